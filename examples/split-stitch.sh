#!/usr/bin/env bash
# Images cut into tiles by two consumers that share a stream, and made again by a collector. Ends by itself after some
# twenty seconds, on this computer's loopback unless EPICS_PVA_* variables say otherwise:
#
#   bash examples/split-stitch.sh
set -eu
bin="$(cd "$(dirname "$0")/.." && pwd)/bin"

export EPICS_PVA_ADDR_LIST="${EPICS_PVA_ADDR_LIST:-127.0.0.1}"
export EPICS_PVA_AUTO_ADDR_LIST="${EPICS_PVA_AUTO_ADDR_LIST:-NO}"
export EPICS_PVAS_INTF_ADDR_LIST="${EPICS_PVAS_INTF_ADDR_LIST:-127.0.0.1}"

# What is left over when something fails ends with this script.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

# 256 x 256 in tiles of 128 x 128: four for each image.
node "$bin/hpc-consumer.js" -ic pvapy:image -oc 'split:*:output' -cc 'split:*:control' -sqs 100 -nc 2 -du 1 -rt 90 \
  -pc SplitTilesProcessor -pa '{"nx": 128, "ny": 128}' --fail-on-loss > /dev/null &
split=$!
node "$bin/hpc-collector.js" -ic 'split:*:output' -pid 1,2 -opi 4 -ccs 1000 -sqs 400 -rt 90 \
  -oc stitch:output -sc stitch:status -cc stitch:control \
  -pc StitchTilesProcessor -pa '{"nx": 256, "ny": 256}' --fail-on-loss > /dev/null &
collector=$!

# They find the simulator, and each other, before its first image; it stays for a moment after the last one.
published="$(node "$bin/ad-sim-server.js" -cn pvapy:image -nx 256 -ny 256 -fps 50 -std 10 -rt 2 -shd 3 -rp 0 |
  sed -n 's/^Published frames: *\([0-9]*\).*/\1/p')"

figure() { node "$bin/pvget.js" -r "$2" "$1" | awk '{ n = $NF } END { print n }'; }
node "$bin/pvput.js" stitch:control '{"command": "get_stats"}' > /dev/null
# A command is executed 0.1 s after it was taken (PvaPy), and then says so.
until node "$bin/pvget.js" -r statusMessage stitch:control | grep -q 'Stats update successful'; do
  kill -0 $collector
  sleep 0.1
done
stitched="$(figure stitch:status userStats.nFramesStitched)"
tiles="$(figure stitch:status userStats.nTilesProcessed)"
discarded="$(figure stitch:status userStats.nTilesDiscarded)"

# pvput reads the channel once more after its put: by then it may be gone.
for name in split:1 split:2 stitch; do
  node "$bin/pvput.js" "$name:control" '{"command": "stop"}' > /dev/null || true
done
wait $collector
wait $split
echo "published=$published stitched=$stitched tiles=$tiles lost=$((4 * published - tiles + discarded))"
