local command, session, handle, record, most = arg(), arg(), arg(), arg(), count()
local answer, answer_ms = arg(), arg()

local old = remembered(command)
if old then return {'answered', old} end
local key = session_key(session)
local handles = redis.call('HGET', key, 'handles')
if not handles then return {'nosession'} end
if redis.call('HEXISTS', key, 'h:' .. handle) == 1 then return {'taken'} end
if most > 0 and tonumber(handles) >= most then return {'full'} end
redis.call('HSET', key, 'h:' .. handle, record)
redis.call('HINCRBY', key, 'handles', 1)
remember(command, answer, answer_ms)
return {'ok'}
