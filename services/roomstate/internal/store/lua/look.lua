-- Has it looked soon whether a session has ended.
local session, now = arg(), arg()
if redis.call('EXISTS', session_key(session)) == 1 then redis.call('ZADD', prefix .. 'deadlines', now, session) end
return {'ok'}
