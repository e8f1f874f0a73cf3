#!/usr/bin/env bash
# Metadata in the consumers: two of them share the simulator's images and add to each the values of two motors when it
# was taken; a collector puts the results in order. Ends by itself after some ten seconds; exit code 0 if every image
# came through with its values.
#
#   bash examples/metadata-consumers.sh
source "$(dirname "$0")/chain-functions.sh"
END=chain:sorted:output

# Metadata must be there before their image: images wait in a queue until some more have come.
stage share hpc-consumer -ic chain:image -oc 'chain:*:output' -nc 2 -du 1 -rqs 1000 -ao 10 -at 0.5 \
  -mc pva://chain:motor:x,pva://chain:motor:y -pc MetadataProcessor
stage collect hpc-collector -ic 'chain:*:output' -pid 1,2 -ccs 1000 -oc "$END" \
  -pc UserDataProcessor
stream -mpv pva://chain:motor:x,pva://chain:motor:y
finish
read -r complete _ < <(sum share nFramesProcessed)
read -r incomplete _ < <(sum share nFrameErrors)
echo "images with both values: $complete, without: $incomplete"
ledger
[ "$complete" = "$published" ] && [ "$incomplete" = 0 ]
