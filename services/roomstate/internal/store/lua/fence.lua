-- Fences a node: its keeper is the last that it has, and may be asked for its peers.
local node, for_ms = arg(), arg()
local key = prefix .. 'keeper:' .. node

redis.call('HSET', key, 'fenced', 1)
redis.call('PEXPIRE', key, for_ms)
local got = redis.call('HMGET', key, 'keeper', 'change')
return {'ok', got[1] or '', tonumber(got[2] or 0)}
