#!/usr/bin/env bash
# Takes out of the container what tells why a test failed, and removes it. What is not there is left
# out: a collection that fails must not hide the failure it is about.
set -uo pipefail

directory=$(mktemp -d "${RUNNER_TEMP:-/tmp}/headwater-XXXXXX")
echo "directory=$directory" >>"$GITHUB_OUTPUT"

admin_url="http://$(docker port "$CONTAINER" 8081/tcp | head -n 1)"
header=$(mktemp)
trap 'rm -f "$header"' EXIT
# By a file, so that the key is in no list of processes.
docker exec "$CONTAINER" node --print \
  "'Authorization: ' + JSON.parse(require('fs').readFileSync('/var/lib/headwater/super-user-key.json', 'utf8')).apiKey" >"$header"
fetch() {
  curl --silent --fail --max-time 20 --header "@$header" --output "$directory/$2" "$admin_url$1" ||
    echo "::warning::$1 did not answer"
}
fetch /api/findings findings.json
fetch /api/channels channels.json
fetch /api/requests/recent requests.json
fetch /metrics metrics.txt

if docker exec "$CONTAINER" test -f /tmp/record.pid; then
  docker exec "$CONTAINER" sh -c 'kill -INT "$(cat /tmp/record.pid)" 2>/dev/null'
  for _ in $(seq 60); do
    docker exec "$CONTAINER" sh -c 'kill -0 "$(cat /tmp/record.pid)" 2>/dev/null' || break
    sleep 0.5
  done
  docker cp "$CONTAINER:/tmp/encoder.tape.gz" "$directory/encoder.tape.gz" ||
    docker exec "$CONTAINER" cat /tmp/record.log
fi
docker cp "$CONTAINER:/tmp/access.log" "$directory/access.log" 2>/dev/null
docker logs "$CONTAINER" >"$directory/origin.log" 2>&1
docker rm --force "$CONTAINER" >/dev/null
ls -l "$directory"
