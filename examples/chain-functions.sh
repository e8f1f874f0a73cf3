# What the examples of chains share: stages in the background, their end, and the ledger. To be sourced.
#
# Everything stays on this computer's loopback unless EPICS_PVA_* variables say otherwise. START_DELAY (seconds, 5 by
# default) is the time from the simulator's start to its first image, in which the stages, all running by then, find it
# and each other. START_TIMEOUT (seconds) is what a busy computer may need until all stages run (20 by default), and
# until all images have come out (15 more than the stream takes).
set -euo pipefail
bin="$(cd "$(dirname "${BASH_SOURCE[0]}")/../bin" && pwd)"
logs="$(mktemp -d)"
pids=()
names=()
processes=()

export EPICS_PVA_ADDR_LIST="${EPICS_PVA_ADDR_LIST:-127.0.0.1}"
export EPICS_PVA_AUTO_ADDR_LIST="${EPICS_PVA_AUTO_ADDR_LIST:-NO}"
export EPICS_PVA_INTF_ADDR_LIST="${EPICS_PVA_INTF_ADDR_LIST:-127.0.0.1}"
export EPICS_PVAS_INTF_ADDR_LIST="${EPICS_PVAS_INTF_ADDR_LIST:-127.0.0.1}"

# Whatever happens, nothing is left behind.
clean_up() {
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
  wait 2> /dev/null || true
  rm -rf "$logs"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND ARGUMENTS: a stage in the background.
start() {
  local name="$1" command="$2" count=1
  shift 2
  [[ "$*" =~ -nc\ ([0-9]+) ]] && count="${BASH_REMATCH[1]}"
  echo "$name: $command $*"
  (exec node "$bin/$command.js" "$@") > "$logs/$name" 2>&1 &
  pids+=($!)
  names+=("$name")
  processes+=("$count")
}

# stage NAME COMMAND ARGUMENTS: one that ends with exit code 3 if it loses anything.
stage() { start "$@" -sqs 1000 -ll info --fail-on-loss; }

# Waits until every stage runs.
running() {
  local i until=$((SECONDS + ${START_TIMEOUT:-20}))
  for i in "${!names[@]}"; do
    until [ "$(grep -cE ': (monitoring|collecting from) ' "$logs/${names[i]}")" -ge "${processes[i]}" ]; do
      kill -0 "${pids[i]}" 2> /dev/null || fail "${names[i]} has ended"
      wait_a_moment "$until" "${names[i]} does not run"
    done
  done
}

# The id of the last image on a channel.
last_id() { node "$bin/pvget.js" -r uniqueId "$1" | awk '{ n = $NF } END { print n + 0 }'; }

# stream ARGUMENTS: runs the simulator until every image of it has come out of the channel END.
stream() {
  local until
  running
  start simulator ad-sim-server -cn chain:image -nx 64 -ny 64 -fps 100 -rt 2 -std "${START_DELAY:-5}" -shd 60 -rp 0 "$@"
  until=$((SECONDS + ${START_DELAY:-5} + ${START_TIMEOUT:-15}))
  until grep -q '^Server exiting after' "$logs/simulator"; do wait_a_moment "$until" 'the simulator does not end'; done
  published="$(last_id chain:image)"
  until [ "$(last_id "$END")" = "$published" ]; do wait_a_moment "$until" "not all images have come out of $END"; done
}

# wait_a_moment UNTIL WHAT: fails with WHAT when it is later than that.
wait_a_moment() {
  [ "$SECONDS" -lt "$1" ] || fail "$2"
  sleep 0.2
}

# Ends the stages, the last one first, and asks each for its exit code.
finish() {
  local i code
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    code=0
    kill -INT "${pids[i]}" 2> /dev/null || true
    wait "${pids[i]}" || code=$?
    [ "$code" = 0 ] || fail "${names[i]} ended with exit code $code"
  done
  pids=()
}

# figure NAME KEY: a figure of a stage's last report, of all consumers together if there are several.
figure() { sum "$1" "$2" | awk '{ print $2 }'; }
# sum NAME KEY: the sum over the last reports of all consumers of a stage, and the last of them.
sum() { { grep -o "'$2': [0-9]*" "$logs/$1" || true; } | awk '{ s += $NF; n = $NF } END { print s + 0, n + 0 }'; }

# ledger: what each stage has done, and whether the last one has processed what was published.
ledger() {
  local name last=0 verdict=balanced
  for name in "${names[@]}"; do
    [ "$name" = simulator ] && continue
    last="$(figure "$name" nProcessed)"
    echo "$name: processed=$last missed=$(figure "$name" nMissed) errors=$(figure "$name" nErrors)"
    [ "$last" = "$published" ] || verdict=UNBALANCED
  done
  echo "ledger: published=$published processed=$last $verdict"
  [ "$verdict" = balanced ]
}

fail() {
  echo "$0: $1; what the stages printed:" >&2
  tail -n 20 "$logs"/* >&2
  exit 1
}
