local session, now, timeout = arg(), arg(), count()
local socket_id, socket, delivered = arg(), arg(), count()
local moved, keep = arg(), count()

local key = session_key(session)
local got = redis.call('HMGET', key, 'socket_id', 'delivered')
if not got[1] then return {'nosession'} end
delivered = math.max(delivered, tonumber(got[2] or 0))
local moved_number = 0
if got[1] ~= socket_id then moved_number = append(session, moved, keep) end
redis.call('HSET', key, 'socket_id', socket_id, 'socket', socket, 'last', now, 'delivered', delivered)
redis.call('HDEL', key, 'lost')
if timeout > 0 then redis.call('ZADD', prefix .. 'deadlines', tonumber(now) + timeout, session) end
local last = tonumber(redis.call('HGET', key, 'events'))
local entries = {}
if last > delivered then entries = redis.call('LRANGE', prefix .. 'log:' .. session, delivered - last, -1) end
return {'ok', last, moved_number, entries}
