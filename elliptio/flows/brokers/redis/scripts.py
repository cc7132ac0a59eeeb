"""Hold the scripts that run in Redis: each is one step that nobody sees half of.

A flow has one hash, whose key ends with ``h``, and beside it a stream for each stream and a set of the readers that
hold it. Fields of the hash: ``t:STREAM`` its length, bytes and times, ``e:STREAM`` its end, ``l:STEP`` a lease (given
back if it has no token), ``c:STEP`` a state, ``g:STEP`` that it was started, ``plan``, ``u:STREAM`` for those without a
limit, and ``b:`` until when a reader is heard that is no step. Every script renews the expiry; the rest of a flow,
which outlives the hash by a sixteenth, is renewed that often. Its first answer is whether that was so.
"""

from __future__ import annotations

from elliptio.flows.brokers.redis.client import Script

LAST = "18446744073709551615-0"
"""Position of the end: whoever reads from any position gets it, and nothing can come after it."""

_BEGIN = """
local H = KEYS[1]
local base = string.sub(H, 1, -2)
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function n(x) return string.format('%.0f', x) end
local function longer(ttl) return n(ttl + math.ceil(ttl / 16)) end
local function rest(visit)
  for _, field in ipairs(redis.call('HKEYS', H)) do
    local kind, name = string.sub(field, 1, 2), string.sub(field, 3)
    if kind == 't:' or kind == 'e:' then visit(base .. 's:' .. name) end
    if kind == 'r:' then visit(base .. 'r:' .. name) end
  end
end
local function touch(ttl)
  local before = redis.call('HGET', H, 'renewed')
  if not before then redis.call('HSET', H, 'made', n(now)) end
  redis.call('PEXPIRE', H, ttl)
  if before and now - before < ttl / 16 then return 0 end
  redis.call('HSET', H, 'renewed', n(now))
  rest(function(key) redis.call('PEXPIRE', key, longer(ttl)) end)
  return 1
end
local function lease(step)
  return string.match(redis.call('HGET', H, 'l:' .. step) or '', '^(%d+):(%d+):(%d+):([^:]*):(.*)$')
end
local function length(stream)
  local kept = redis.call('HGET', H, 't:' .. stream) or '0:0:0:0'
  local top, bytes, first, last = string.match(kept, '(%d+):(%d+):(%d+):(%d+)')
  if not top then error('the length of a stream is none') end
  return tonumber(top), tonumber(bytes), first, last
end
local function tail(key) return redis.call('XREVRANGE', key, '18446744073709551614', '-', 'COUNT', 1) end
"""

APPEND = Script(
    _BEGIN
    + """
local function slowest(R, stream)
  while true do
    local low = redis.call('ZRANGE', R, 0, 0, 'WITHSCORES')
    if #low == 0 or string.sub(low[1], 1, 1) ~= '~' then return low end
    local heard = 'b:' .. stream .. '\\n' .. low[1]
    if tonumber(redis.call('HGET', H, heard) or '0') > now then return low end
    redis.call('ZREM', R, low[1])
    redis.call('HDEL', H, heard)
    if redis.call('EXISTS', R) == 0 then redis.call('HDEL', H, 'r:' .. stream) end
  end
end
local S, R, step, stream, ttl, state = KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[7], ARGV[8]
local epoch, _, lasts, token, worker = lease(step)
if epoch ~= ARGV[3] or token == '' then return {0, 'lost'} end
redis.call('HSET', H, 'l:' .. step, table.concat({epoch, n(now + lasts), lasts, token, worker}, ':'))
local top, bytes, first = length(stream)
if #ARGV > 10 then
  if tonumber(ARGV[4]) ~= top then return {touch(ttl), 'at', top, tail(S)} end
  local ended = redis.call('HGET', H, 'e:' .. stream)
  if ended then return {touch(ttl), 'ended', top, ended} end
  if tonumber(redis.call('HGET', H, 'hold:' .. stream) or '0') > now then return {touch(ttl), 'held'} end
  local low = slowest(R, stream)
  if #low > 0 and redis.call('HEXISTS', H, 'u:' .. stream) == 0 then
    local full = top - tonumber(low[2]) >= tonumber(ARGV[5])
    if not full and bytes >= tonumber(ARGV[6]) then
      local unread = redis.call('XRANGE', S, n(tonumber(low[2]) + 1), '+', 'COUNT', 1)[1]
      if unread and unread[2][1] == 'h' then
        local _, before = struct.unpack('>I8I8', unread[2][2])
        full = bytes - before >= tonumber(ARGV[6])
      end
    end
    if full then return {touch(ttl), 'full', top, low[1], low[2]} end
  end
  local at = top
  for i = 11, #ARGV, 3 do
    redis.call('XADD', S, ARGV[i], 'h', ARGV[i + 1], 'v', ARGV[i + 2])
    at = ARGV[i]
  end
  top = tonumber(string.match(at, '^%d+'))
  if first == '0' then first = n(now) end
  redis.call('HSET', H, 't:' .. stream, table.concat({n(top), ARGV[9], first, n(now)}, ':'))
  redis.call('PEXPIRE', S, longer(ttl))
elseif ARGV[4] == '-1' then
  return {touch(ttl), 'at', top, tail(S)}
end
if state ~= '' then redis.call('HSET', H, 'c:' .. step, state) end
if ARGV[10] == '1' then redis.call('HSET', H, 'l:' .. step, table.concat({epoch, '0', lasts, '', ''}, ':')) end
return {touch(ttl), 'ok', top}
"""
)
"""Keys: hash, stream, readers. Step, stream, epoch, position, limit, limit of bytes, ttl, state, bytes with these,
whether the lease is given back; then id, head and values of each entry."""

END = Script(
    _BEGIN
    + """
local S, step, stream, ttl = KEYS[2], ARGV[1], ARGV[3], ARGV[8]
if step ~= '' then
  local epoch, _, _, token = lease(step)
  if epoch ~= ARGV[2] or token == '' then return {0, 'lost'} end
elseif ARGV[9] == '1' and redis.call('EXISTS', H) == 0 then return {0, 'gone'} end
if redis.call('HEXISTS', H, 'e:' .. stream) == 1 then
  local told = redis.call('HGET', H, 'k:' .. stream) or ''
  if string.sub(told, 1, #ARGV[7]) ~= ARGV[7] then return {0, 'again'} end
  return {0, 'ok', cjson.decode(string.sub(told, #ARGV[7] + 1))}
end
local plan = redis.call('HGET', H, 'plan') or ''
if string.sub(plan, 1, 16) ~= ARGV[6] then return {0, 'plan', plan} end
local top, bytes, first, last = length(stream)
if top ~= tonumber(ARGV[5]) then
  redis.call('HSET', H, 'hold:' .. stream, n(now + 500))
  return {touch(ttl), 'at', top, tail(S)}
end
redis.call('HSET', H, 'e:' .. stream, ARGV[4])
redis.call('HDEL', H, 'hold:' .. stream)
redis.call('XADD', S, '18446744073709551615-0', 'e', ARGV[4])
redis.call('PEXPIRE', S, longer(ttl))
local start, i = {}, 10
while i <= #ARGV do
  local waiting, count, ended = ARGV[i], tonumber(ARGV[i + 1]), true
  for j = i + 2, i + 1 + count do
    if redis.call('HEXISTS', H, 'e:' .. ARGV[j]) == 0 then ended = false end
  end
  if ended and redis.call('HSETNX', H, 'g:' .. waiting, '1') == 1 then start[#start + 1] = waiting end
  i = i + 2 + count
end
redis.call('HSET', H, 'k:' .. stream, ARGV[7] .. cjson.encode(start))
return {touch(ttl), 'ok', start}
"""
)
"""Keys: hash, stream. Step, epoch, stream, signed outcome, length, signature of the plan, a token by which the same
question is known when it is asked again, ttl, whether the flow has to be there; then each step that waits for the
stream, for how many, and for which."""

CLAIM = Script(
    _BEGIN
    + """
local step, ttl = ARGV[1], ARGV[5]
if ARGV[6] == '1' and redis.call('EXISTS', H) == 0 then return {0, 'gone'} end
local state = redis.call('HGET', H, 'c:' .. step) or ''
local epoch, ends, _, token = lease(step)
local lost = epoch and token ~= '' and 1 or 0
if epoch and token == ARGV[3] then return {0, 'ok', tonumber(epoch), state, 0} end
if redis.call('HEXISTS', H, 'e:@' .. step) == 1 then return {0, 'ok', 0, '', 0} end
if now < tonumber(ends or '0') then return {0, 'ok', 0, '', n(ends - now)} end
epoch = n(tonumber(epoch or '0') + 1)
redis.call('HSET', H, 'l:' .. step, table.concat({epoch, n(now + ARGV[2]), ARGV[2], ARGV[3], ARGV[4]}, ':'))
return {touch(ttl), 'ok', tonumber(epoch), state, lost}
"""
)
"""Key: hash. Step, milliseconds, token, worker, ttl, whether the flow has to be there."""

PROGRESS = Script(
    _BEGIN
    + """
local R, stream, reader, position, ttl = KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local there, heard = redis.call('EXISTS', H) == 1, 'b:' .. stream .. '\\n' .. reader
if position == '' then
  redis.call('ZREM', R, reader)
  redis.call('HDEL', H, heard)
  if redis.call('EXISTS', R) == 0 then redis.call('HDEL', H, 'r:' .. stream) end
  return {there and redis.call('EXISTS', H) == 1 and touch(ttl) or 0, 'ok'}
end
if ARGV[5] == '1' and not there then return {0, 'gone'} end
redis.call('ZADD', R, position, reader)
redis.call('PEXPIRE', R, longer(ttl))
redis.call('HSET', H, 'r:' .. stream, '1')
if string.sub(reader, 1, 1) == '~' then redis.call('HSET', H, heard, n(now + ARGV[6])) end
return {touch(ttl), 'ok'}
"""
)
"""Keys: hash, readers. Stream, reader, position or nothing, ttl, whether the flow has to be there, and for how many
milliseconds a reader is heard that is no step."""

PLAN = Script(
    _BEGIN
    + """
for _, field in ipairs(redis.call('HKEYS', H)) do
  if string.sub(field, 1, 2) == 'u:' then redis.call('HDEL', H, field) end
end
redis.call('HSET', H, 'plan', ARGV[1])
local ttl, i, key = ARGV[2], 4 + ARGV[3], 2
for at = 4, 3 + ARGV[3] do redis.call('HSET', H, 'u:' .. ARGV[at], '1') end
while i <= #ARGV do
  local stream, S, top, bytes, record, after = ARGV[i], KEYS[key], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  if redis.call('EXISTS', S) == 0 then
    for at = i + 5, i + 4 + 3 * after, 3 do
      redis.call('XADD', S, ARGV[at], 'h', ARGV[at + 1], 'v', ARGV[at + 2])
    end
    if top ~= '0' then redis.call('HSET', H, 't:' .. stream, table.concat({top, bytes, n(now), n(now)}, ':')) end
    redis.call('HSET', H, 'e:' .. stream, record)
    redis.call('XADD', S, '18446744073709551615-0', 'e', record)
    redis.call('PEXPIRE', S, longer(ttl))
  end
  i, key = i + 5 + 3 * after, key + 1
end
return {touch(ttl), 'ok'}
"""
)
"""Keys: hash, streams that are given. Signed plan, ttl, number of streams without a limit, these; then of each stream
that is given its name, length, bytes, signed outcome, number of entries, and id, head and values of each entry."""

FORGET = Script(
    _BEGIN
    + """
rest(function(key) redis.call('UNLINK', key) end)
redis.call('UNLINK', H)
redis.call('XADD', KEYS[2], '*', 'g', '1')
redis.call('PEXPIRE', KEYS[2], 10000)
return {0, 'ok'}
"""
)
"""Keys: hash, and a stream that whoever waits reads too; it is removed by the next command."""

STATE = Script(
    _BEGIN
    + """
local readers = {}
for _, field in ipairs(redis.call('HKEYS', H)) do
  if string.sub(field, 1, 2) == 'r:' then
    local stream = string.sub(field, 3)
    readers[#readers + 1] = {stream, redis.call('ZRANGE', base .. 'r:' .. stream, 0, -1, 'WITHSCORES')}
  end
end
return {redis.call('HGETALL', H), readers}
"""
)
"""Key: hash."""

REGISTER = Script("""
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  redis.call('ZREM', KEYS[1], old)
  redis.call('ZREM', KEYS[2], old)
end
redis.call('ZADD', KEYS[1], 'NX', t[1] * 1000000 + t[2], ARGV[1])
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[2] * 1.25), ARGV[1])
for i = 1, 2 do
  if redis.call('PTTL', KEYS[i]) < ARGV[2] * 1.25 then
    redis.call('PEXPIRE', KEYS[i], string.format('%.0f', ARGV[2] * 1.25))
  end
end
return {0, 'ok'}
""")
"""Keys: flows by when they were made, and by when they are gone unless they are renewed. Flow, ttl."""
