local session, now, timeout = arg(), arg(), count()
local socket_id, socket, edge, delivered = arg(), arg(), arg(), count()
local moved, keep = arg(), count()

local key = session_key(session)
local got = redis.call('HMGET', key, 'socket_id', 'delivered', 'taker', 'taken_until')
if not got[1] then return {'nosession'} end
-- What a long poll is being answered with is not to come on the new socket too.
if got[1] ~= socket_id and got[3] and tonumber(got[4]) > tonumber(now) then return {'busy'} end
delivered = math.max(delivered, tonumber(got[2] or 0))
local moved_number = 0
if got[1] ~= socket_id then moved_number = append(session, moved, keep) end
redis.call('HSET', key, 'socket_id', socket_id, 'socket', socket, 'edge', edge_field(socket_id, edge), 'last', now, 'delivered', delivered)
redis.call('HDEL', key, 'lost')
if got[1] ~= socket_id then redis.call('HDEL', key, 'poll', 'taker', 'taken_until') end
timeout = timeout_of(session, timeout)
if timeout > 0 then redis.call('ZADD', prefix .. 'deadlines', tonumber(now) + timeout, session) end
local last = tonumber(redis.call('HGET', key, 'events'))
local entries = {}
if last > delivered then entries = redis.call('LRANGE', prefix .. 'log:' .. session, delivered - last, -1) end
return {'ok', last, moved_number, entries}
