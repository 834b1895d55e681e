#!/usr/bin/env bash
# Starts the container, waits until it is ready, masks its keys and writes the outputs. Everything it
# needs comes in the environment (action.yml): no input is part of a command's text.
set -euo pipefail

settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
printf '%s' "$SETTINGS" >"$settings"
chmod 644 "$settings"

docker create --name "$CONTAINER" \
  --publish 127.0.0.1::8080 --publish 127.0.0.1::8081 \
  --env HEADWATER_PROFILE="$PROFILE" \
  --env HEADWATER_ACCESS_LOG_PATH=/tmp/access.log \
  --env HEADWATER_ACCESS_LOG_SAMPLE=1 \
  "$HEADWATER_IMAGE" >/dev/null
docker cp "$settings" "$CONTAINER:/etc/headwater/headwater.config.json"
docker start "$CONTAINER" >/dev/null

address() { docker port "$CONTAINER" "$1/tcp" | head -n 1; }
data_plane_url="http://$(address 8080)"
admin_url="http://$(address 8081)"
for attempt in $(seq 120); do
  if curl --silent --fail --output /dev/null --max-time 2 "$data_plane_url/health/ready"; then break; fi
  running=$(docker inspect --format '{{.State.Running}}' "$CONTAINER")
  if [ "$running" != true ] || [ "$attempt" = 120 ]; then
    docker logs "$CONTAINER" >&2
    echo "::error::Headwater is not ready; its log is above."
    exit 1
  fi
  sleep 0.5
done

key_of() {
  docker exec "$CONTAINER" node --print \
    "JSON.parse(require('fs').readFileSync('/var/lib/headwater/$1-key.json', 'utf8')).apiKey"
}
for role in encoder player super-user; do
  key=$(key_of "$role")
  echo "::add-mask::$key"
  echo "$role-key=$key" >>"$GITHUB_OUTPUT"
done
echo "data-plane-url=$data_plane_url" >>"$GITHUB_OUTPUT"
echo "admin-url=$admin_url" >>"$GITHUB_OUTPUT"

if [ -n "${RECORD_CACHE:-}" ]; then
  # The process id is for collect.sh, which ends the recording in order.
  docker exec --detach --env RECORD_CACHE="$RECORD_CACHE" "$CONTAINER" sh -c \
    'echo $$ >/tmp/record.pid; exec headwater record --cache "$RECORD_CACHE" --out /tmp/encoder.tape.gz >/tmp/record.log 2>&1'
fi
echo "Headwater is ready at $data_plane_url, its console at $admin_url."
