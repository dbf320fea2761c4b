local command, session, now, timeout = arg(), arg(), arg(), count()
local socket_id, socket, edge, answer, answer_ms, most = arg(), arg(), arg(), arg(), arg(), count()

local old = remembered(command)
if old then return {'answered', old} end
local key = session_key(session)
if redis.call('EXISTS', key) == 1 then return {'taken'} end
if redis.call('HGET', prefix .. 'settings', 'accept_new_sessions') == '0' then return {'notaccepting'} end
if most > 0 and redis.call('SCARD', prefix .. 'sessions') >= most then return {'full'} end
redis.call('HSET', key, 'socket_id', socket_id, 'socket', socket, 'edge', edge_field(socket_id, edge), 'last', now, 'events', 0, 'handles', 0, 'created', now)
redis.call('SADD', prefix .. 'sessions', session)
redis.call('DEL', prefix .. 'log:' .. session)
timeout = timeout_of(session, timeout)
if timeout > 0 then redis.call('ZADD', prefix .. 'deadlines', tonumber(now) + timeout, session) end
remember(command, answer, answer_ms)
return {'ok'}
