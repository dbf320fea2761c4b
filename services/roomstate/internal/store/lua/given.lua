-- Ends a long poll: the events up to a number were given to the endpoint; 0 if none were.
local session, poll, up_to = arg(), arg(), count()

local key = session_key(session)
local got = redis.call('HMGET', key, 'events', 'delivered', 'poll', 'taker')
if not got[1] then return {'nosession'} end
if got[3] == poll then redis.call('HDEL', key, 'poll') end
if got[4] == poll then
  if up_to > tonumber(got[2] or 0) and up_to <= tonumber(got[1]) then redis.call('HSET', key, 'delivered', up_to) end
  redis.call('HDEL', key, 'taker', 'taken_until')
end
return {'ok'}
