-- Notes who keeps the values of a node's peers, unless the node is fenced or a later change has been noted, and returns what is
-- noted then. The same may be noted again.
local node, change, keeper = arg(), arg(), arg()
local key = prefix .. 'keeper:' .. node

local got = redis.call('HMGET', key, 'fenced', 'change', 'keeper')
if got[1] then return {'fenced'} end
if got[2] and tonumber(got[2]) >= tonumber(change) then return {'ok', got[3], tonumber(got[2])} end
redis.call('HSET', key, 'change', change, 'keeper', keeper)
redis.call('PERSIST', key)
return {'ok', keeper, tonumber(change)}
