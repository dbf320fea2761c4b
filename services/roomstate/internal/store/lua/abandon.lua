-- Has a peer closed that a node made for a decision which was dropped, and spends its generation; not one that counts.
local session, handle, node, peer, generation = arg(), arg(), arg(), arg(), count()
local task, again = arg(), arg()

if redis.call('SISMEMBER', prefix .. 'node:' .. node, peer) == 1 then return {'ok', 0} end
redis.call('ZADD', prefix .. 'tasks', again, task)
local key = session_key(session)
local spent = tonumber(redis.call('HGET', key, 's:' .. handle) or 0)
if redis.call('HEXISTS', key, 'h:' .. handle) == 1 and generation > spent then
  redis.call('HSET', key, 's:' .. handle, generation)
end
return {'ok', 1}
