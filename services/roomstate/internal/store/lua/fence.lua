-- Fences a node that has a keeper: that is its last, and may be asked for its peers. Of a node without one nothing is given to
-- anybody, so it is left as it is. Who is fenced already is so again, for WAIT: see keep.lua.
local node, for_ms = arg(), arg()
local key = prefix .. 'keeper:' .. node

local got = redis.call('HMGET', key, 'keeper', 'change')
redis.call('PEXPIRE', key, for_ms)
if not got[1] or got[1] == '' then return {'ok', '', 0} end
redis.call('HSET', key, 'fenced', 1)
return {'ok', got[1], tonumber(got[2])}
