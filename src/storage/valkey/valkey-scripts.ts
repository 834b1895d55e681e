/**
 * What happens inside Valkey, atomically. Each script touches one bucket (see `valkey-keys.ts`),
 * whose keys are, behind `hw:` and before the bucket's tag:
 *
 * - `o:` + object's key: a hash: `r` record, `i` version id, `n` number of chunks, `b` the body when
 *   there are none. Expires by itself.
 * - `c:` + version id + index: a chunk of a large body. Expires by itself.
 * - `i:` + cache: a sorted set of keys, for lists in byte order.
 * - `x:` a sorted set of all keys by deadline (ms, the engine's clock), and `s:` a hash of their
 *   sizes: what has expired is taken out of the index by whoever writes next, a few at a time.
 * - `u:` a hash: number and bytes of objects by cache.
 * - `p:` a sorted set of playlists' keys by the time of their PUT, multivariant ones behind all others.
 * - `a:` + object's key: there while an upload of it is in progress. Expires by itself.
 *
 * Scripts change all but the object itself: that is done by plain commands of the same transaction,
 * since a node is told of its own changes, too, when a script makes them (Redis 7.0, `NOLOOP`).
 * The engine's clock rules, except for tests that pass a time of their own.
 */

import { createHash } from 'node:crypto'

export interface ValkeyScript {
  readonly text: string
  readonly sha1: string
}

/** ARGV[1] is the time ('' for the engine's), ARGV[2] the tag, everywhere. */
const PRELUDE = `
local tag = ARGV[2]
local index, expiries, sizes, usage = 'hw:i:'..tag, 'hw:x:'..tag, 'hw:s:'..tag, 'hw:u:'..tag
local playlists, multivariant = 'hw:p:'..tag, 1e14
-- Plus nothing: minus nothing would be written as such.
local function whole(number) return string.format('%.0f', number + 0) end
local now
if ARGV[1] ~= '' then now = tonumber(ARGV[1]) else
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function count(cache, items, bytes)
  redis.call('HINCRBY', usage, cache..':b', whole(bytes))
  if redis.call('HINCRBY', usage, cache..':n', items) == 0 then
    redis.call('HDEL', usage, cache..':n', cache..':b')
  end
end
local function drop_chunks(id, chunks)
  for chunk = 0, tonumber(chunks or 0) - 1 do
    redis.call('UNLINK', 'hw:c:'..tag..id..':'..chunk)
  end
end
local function leave_index(key)
  local deadline = redis.call('ZSCORE', expiries, key)
  if not deadline then return false end
  local slash = string.find(key, '/', 1, true)
  local cache = string.sub(key, 1, slash - 1)
  local size = tonumber(redis.call('HGET', sizes, key) or 0)
  -- First what a full Valkey allows: after that it allows the rest.
  redis.call('ZREM', expiries, key)
  redis.call('HDEL', sizes, key)
  redis.call('ZREM', index..cache, string.sub(key, slash + 1))
  redis.call('ZREM', playlists, key)
  count(cache, -1, -size)
  return tonumber(deadline) > now
end
local function sweep(limit)
  local due = redis.call('ZRANGEBYSCORE', expiries, '-inf', whole(now), 'LIMIT', 0, limit)
  for _, key in ipairs(due) do
    local name = 'hw:o:'..tag..key
    local old = redis.call('HMGET', name, 'i', 'n')
    if old[1] then
      drop_chunks(old[1], old[2])
      redis.call('UNLINK', name)
    end
    leave_index(key)
  end
  return #due
end
local function left_ms(key)
  local deadline = redis.call('ZSCORE', expiries, key)
  if deadline and tonumber(deadline) > now then return tonumber(deadline) - now end
end
local function uploading(key) return redis.call('EXISTS', 'hw:a:'..tag..key) end
local function totals(cache)
  local found = redis.call('HMGET', usage, cache..':n', cache..':b')
  return { found[1] or '0', found[2] or '0' }
end
`

function script(body: string): ValkeyScript {
  const text = PRELUDE + body
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

/**
 * Before HSET and PEXPIRE of the object. ARGV: 3 key, 4 cache, 5 TTL ms, 6 ms to keep it, 7 size,
 * 8 version id, 9 chunks, 10 `media`, `multivariant` or another kind. Returns items and bytes of the cache in this bucket, and the record that
 * is replaced, if any.
 */
export const PUT = script(`
local key, cache, ttl, kept, size = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
for chunk = 0, tonumber(ARGV[9]) - 1 do
  if redis.call('PEXPIRE', 'hw:c:'..tag..ARGV[8]..':'..chunk, kept) == 0 then
    return redis.error_reply('CHUNKLOST a chunk expired before its object was written')
  end
end
local old = redis.call('HMGET', 'hw:o:'..tag..key, 'r', 'i', 'n')
local was_live = old[1] and left_ms(key)
if old[1] then drop_chunks(old[2], old[3]) end
local before = redis.call('HGET', sizes, key)
redis.call('HSET', sizes, key, whole(size))
redis.call('ZADD', expiries, whole(now + ttl), key)
redis.call('ZADD', index..cache, 0, string.sub(key, #cache + 2))
if ARGV[10] == 'media' then redis.call('ZADD', playlists, whole(now), key)
elseif ARGV[10] == 'multivariant' then redis.call('ZADD', playlists, whole(now + multivariant), key)
elseif before then redis.call('ZREM', playlists, key) end
if before then count(cache, 0, size - tonumber(before)) else count(cache, 1, size) end
sweep(8)
local result = totals(cache)
if was_live then result[3] = old[1] end
return result
`)

/**
 * ARGV: 3 key. Returns what is left of the TTL, record, version id, chunks, body; when it is not there,
 * whether an upload of it is in progress.
 */
export const READ = script(`
local left = left_ms(ARGV[3])
if not left then return uploading(ARGV[3]) end
local found = redis.call('HMGET', 'hw:o:'..tag..ARGV[3], 'r', 'i', 'n', 'b')
if not found[1] then return uploading(ARGV[3]) end
return { whole(left), found[1], found[2], found[3], found[4] }
`)

/** ARGV: 3 key. As READ, without chunks and body. */
export const DESCRIBE = script(`
local left = left_ms(ARGV[3])
if not left then return uploading(ARGV[3]) end
local found = redis.call('HMGET', 'hw:o:'..tag..ARGV[3], 'r', 'i')
if not found[1] then return uploading(ARGV[3]) end
return { whole(left), found[1], found[2] }
`)

const LEAVE = `
local old = redis.call('HMGET', 'hw:o:'..tag..ARGV[3], 'i', 'n')
if old[1] then drop_chunks(old[1], old[2]) end
local was_live = leave_index(ARGV[3]) and old[1]
local result = totals(ARGV[4])
result[3] = was_live and 1 or 0
return result
`
/**
 * Before UNLINK of the object. ARGV: 3 key, 4 cache. Returns items and bytes of the cache, and
 * whether the object was there.
 */
export const DELETE = script(LEAVE)

/** As DELETE, and the object, too: a full Valkey takes no transaction. */
export const DELETE_WHOLE = script(
  LEAVE.replace('return result', "redis.call('UNLINK', 'hw:o:'..tag..ARGV[3])\nreturn result"),
)

/** Before PEXPIRE of the object. ARGV: 3 key, 4 TTL ms from now, 5 ms to keep it. Whether it is there. */
export const EXTEND = script(`
local key, ttl = ARGV[3], tonumber(ARGV[4])
local left = left_ms(key)
local found = redis.call('HMGET', 'hw:o:'..tag..key, 'i', 'n')
if not left or not found[1] then return 0 end
if ttl <= left then return 1 end
for chunk = 0, tonumber(found[2]) - 1 do
  redis.call('PEXPIRE', 'hw:c:'..tag..found[1]..':'..chunk, ARGV[5])
end
redis.call('ZADD', expiries, whole(now + ttl), key)
return 1
`)

/** ARGV: 3 cache, 4 lower bound, 5 upper bound (as ZRANGEBYLEX has them), 6 limit. Returns item keys. */
export const LIST = script(`
local result, low, limit = {}, ARGV[4], tonumber(ARGV[6])
while #result < limit do
  local keys = redis.call('ZRANGEBYLEX', index..ARGV[3], low, ARGV[5], 'LIMIT', 0, limit)
  for _, key in ipairs(keys) do
    local full = ARGV[3]..'/'..key
    if #result < limit and left_ms(full) and redis.call('EXISTS', 'hw:o:'..tag..full) == 1 then
      result[#result + 1] = key
    end
  end
  if #keys < limit then break end
  low = '('..keys[#keys]
end
return result
`)

/** ARGV: 3 limit. Takes out what has expired; returns how many, and the bucket's usage, flat. */
export const UPKEEP = script(`
local swept = sweep(tonumber(ARGV[3]))
local result = redis.call('HGETALL', usage)
table.insert(result, 1, swept)
return result
`)

/**
 * ARGV: 3 how long ago media playlists may have been written, ms, 4 limit. Returns keys of playlists
 * and how long ago they were written, ms, flat, the newest of each kind. Multivariant ones are marked
 * by a minus: their encoders write them once, however long ago.
 */
export const PLAYLISTS = script(`
local result = {}
local function add(max, min, sign, base)
  local found = redis.call('ZREVRANGEBYSCORE', playlists, max, min, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
  for at = 1, #found, 2 do
    result[#result + 1] = found[at]
    result[#result + 1] = sign..whole(base + now - tonumber(found[at + 1]))
  end
end
add('+inf', whole(multivariant), '-', multivariant)
add('('..whole(multivariant), whole(now - tonumber(ARGV[3])), '', 0)
return result
`)
