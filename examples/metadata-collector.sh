#!/usr/bin/env bash
# Metadata in the collector: two consumers share the simulator's images, the collector puts them in order and adds to
# each the values of two motors when it was taken. Ends by itself after some ten seconds; exit code 0 if every image
# came through with its values.
#
#   bash examples/metadata-collector.sh
source "$(dirname "$0")/chain-functions.sh"
END=chain:sorted:output

# Metadata must be there before their image: the consumers let images wait until some more have come.
stage share hpc-consumer -ic chain:image -oc 'chain:*:output' -nc 2 -du 1 -rqs 1000 -ao 10 -at 0.5 \
  -pc UserDataProcessor
stage collect hpc-collector -ic 'chain:*:output' -pid 1,2 -ccs 1000 -oc "$END" \
  -mc pva://chain:motor:x,pva://chain:motor:y -pc MetadataProcessor
stream -mpv pva://chain:motor:x,pva://chain:motor:y
finish
read -r complete _ < <(sum collect nFramesProcessed)
read -r incomplete _ < <(sum collect nFrameErrors)
echo "images with both values: $complete, without: $incomplete"
ledger
[ "$complete" = "$published" ] && [ "$incomplete" = 0 ]
