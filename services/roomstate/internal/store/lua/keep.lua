-- Notes who keeps the values of a node's peers, unless the node is fenced or a later change has been noted.
local node, change, keeper = arg(), arg(), arg()
local key = prefix .. 'keeper:' .. node

local got = redis.call('HMGET', key, 'fenced', 'change')
if got[1] then return {'fenced'} end
if not got[2] or tonumber(got[2]) < tonumber(change) then
  redis.call('HSET', key, 'change', change, 'keeper', keeper)
end
return {'ok'}
