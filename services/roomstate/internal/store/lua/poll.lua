-- Takes events for a long poll: those after the last that is known to be given. Until that poll has ended, or its time is
-- over, nobody else is given any. Only the newest poll is given events: an endpoint may have left those before.
local session, now, poll, first = arg(), count(), arg(), arg()
local socket, most, most_bytes, lease_ms = arg(), count(), count(), count()

local key = session_key(session)
local got = redis.call('HMGET', key, 'socket_id', 'events', 'delivered', 'poll', 'taker', 'taken_until')
if got[1] ~= socket then return {'nosession'} end
local last, delivered = tonumber(got[2]), tonumber(got[3] or 0)
if first == '1' then
  redis.call('HSET', key, 'last', now, 'poll', poll)
elseif got[4] and got[4] ~= poll then
  return {'ok', delivered, 0, {}}
end
if last == delivered then return {'ok', delivered, 0, {}} end
if got[5] and got[5] ~= poll and tonumber(got[6]) > now then return {'ok', delivered, 1, {}} end

local log = prefix .. 'log:' .. session
local from = math.max(0, redis.call('LLEN', log) - (last - delivered))
local entries, bytes = {}, 0
for _, entry in ipairs(redis.call('LRANGE', log, from, from + most - 1)) do
  bytes = bytes + #entry
  if bytes > most_bytes and #entries > 0 then break end
  entries[#entries + 1] = entry
end
redis.call('HSET', key, 'taker', poll, 'taken_until', string.format('%.0f', now + lease_ms))
return {'ok', delivered, 0, entries}
