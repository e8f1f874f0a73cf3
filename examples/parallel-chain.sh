#!/usr/bin/env bash
# A parallel chain: three consumers share the simulator's images, a collector puts the results in order again, and one
# more consumer takes them from there. Ends by itself after some ten seconds; exit code 0 if every image came through.
#
#   bash examples/parallel-chain.sh
source "$(dirname "$0")/chain-functions.sh"
END=chain:passed:output

stage share hpc-consumer -ic chain:image -oc 'chain:*:output' -nc 3 -du 1 -pc RotateProcessor
stage collect hpc-collector -ic 'chain:*:output' -pid 1,2,3 -ccs 1000 -oc chain:sorted:output \
  -pc UserDataProcessor
stage pass hpc-consumer -ic chain:sorted:output -oc "$END" -pc UserDataProcessor
stream
finish
ledger
