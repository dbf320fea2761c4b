local session, socket_id, now, timeout, reclaim = arg(), arg(), arg(), count(), count()
local delivered, counts = count(), count()

local key = session_key(session)
local got = redis.call('HMGET', key, 'socket_id', 'lost', 'delivered')
if not got[1] then return {'nosession'} end
if got[1] ~= socket_id then return {'ok', 0} end
if delivered > tonumber(got[3] or 0) then redis.call('HSET', key, 'delivered', delivered) end
if counts == 0 then return {'ok', 1} end
if not got[2] then redis.call('HSET', key, 'lost', now) end
local due = deadline(session, timeout, reclaim)
redis.call('ZADD', prefix .. 'deadlines', due, session)
return {'ok', 1}
