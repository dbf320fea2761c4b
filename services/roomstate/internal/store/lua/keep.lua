-- Notes who keeps the values of a node's peers, unless the node is fenced or a later change has been noted, and returns what is
-- noted then. The same may be noted again, and is written again: WAIT after this is about writes of this connection alone.
local node, change, keeper = arg(), arg(), arg()
local key = prefix .. 'keeper:' .. node

local got = redis.call('HMGET', key, 'fenced', 'change', 'keeper')
if got[1] then return {'fenced'} end
if got[2] and tonumber(got[2]) >= tonumber(change) then change, keeper = got[2], got[3] end
redis.call('HSET', key, 'change', change, 'keeper', keeper)
redis.call('PERSIST', key)
return {'ok', keeper, tonumber(change)}
