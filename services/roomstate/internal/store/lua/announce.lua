-- Says that a replica is alive, whether it has been all along, and who else is. Shards are held by who is alive, which
-- goes by the server's clock.
local replica, alive_ms, leaving = arg(), count(), arg()

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local key = prefix .. 'replicas'
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local continued = redis.call('ZSCORE', key, replica) and 1 or 0
if leaving == '1' then
  redis.call('ZREM', key, replica)
else
  redis.call('ZADD', key, now + alive_ms, replica)
end
return {'ok', continued, redis.call('ZRANGE', key, 0, -1)}
