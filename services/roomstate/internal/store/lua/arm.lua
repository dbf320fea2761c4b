-- Keeps what is to be captured of a handle once it has a PeerConnection.
local session, handle, request = arg(), arg(), arg()

local key = session_key(session)
if redis.call('EXISTS', key) == 0 then return {'nosession'} end
if redis.call('HEXISTS', key, 'h:' .. handle) == 0 then return {'nohandle'} end
if redis.call('HSETNX', key, 'c:' .. handle, request) == 0 then return {'taken'} end
return {'ok'}
