#!/usr/bin/env bash
# A processing chain: the simulator's images are turned, looked at, and passed on, each step in a process of its own.
# Ends by itself after some ten seconds; exit code 0 if every image came through.
#
#   bash examples/processing-chain.sh
source "$(dirname "$0")/chain-functions.sh"
END=chain:passed:output

stage turn hpc-consumer -ic chain:image -oc chain:turned:output \
  -pc RotateProcessor -pa '{"degrees": 90}'
stage look hpc-consumer -ic chain:turned:output -oc chain:seen:output \
  -pc ImageStatisticsProcessor
stage pass hpc-consumer -ic chain:seen:output -oc "$END" -pc UserDataProcessor
stream
finish
ledger
