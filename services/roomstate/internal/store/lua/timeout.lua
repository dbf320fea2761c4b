-- Sets the timeout of one session; empty has it follow the others.
local session, now, timeout = arg(), arg(), arg()

local key = session_key(session)
if redis.call('EXISTS', key) == 0 then return {'nosession'} end
if timeout == '' then redis.call('HDEL', key, 'timeout') else redis.call('HSET', key, 'timeout', timeout) end
redis.call('ZADD', prefix .. 'deadlines', now, session)
return {'ok'}
