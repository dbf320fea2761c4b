local command, session, handle, now, touch = arg(), arg(), arg(), arg(), arg()
local socket, delivered = arg(), count()

local answer = remembered(command)
local key = session_key(session)
local got = redis.call('HMGET', key, 'events', 'socket_id', 'delivered', 'h:' .. handle)
if answer then return {'answered', answer} end
if not got[1] then return {'nosession'} end
if touch == '1' then redis.call('HSET', key, 'last', now) end
if socket ~= '' and socket == got[2] and delivered > tonumber(got[3] or 0) then
  redis.call('HSET', key, 'delivered', delivered)
end
return {'ok', tonumber(got[1]), got[4] or ''}
