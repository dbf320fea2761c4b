-- Says that a replica is alive, and who else is. Leases go by the server's clock.
local replica, alive_ms, leaving = arg(), count(), arg()

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', prefix .. 'replicas', '-inf', now)
if leaving == '1' then
  redis.call('ZREM', prefix .. 'replicas', replica)
else
  redis.call('ZADD', prefix .. 'replicas', now + alive_ms, replica)
end
return {'ok', redis.call('ZRANGE', prefix .. 'replicas', 0, -1)}
