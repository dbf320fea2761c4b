-- Takes or keeps the shards that a replica wants, if nobody else holds them, and gives up its others.
local replica, lease_ms, shards = arg(), count(), count()
local wanted = {}
for _ = 1, count() do wanted[arg()] = true end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local key = prefix .. 'shards'
local leases = {}
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do leases[all[i]] = all[i + 1] end

local held = {}
for n = 0, shards - 1 do
  local shard = tostring(n)
  local holder, till = nil, 0
  if leases[shard] then
    holder, till = string.match(leases[shard], '^(%S+) (%d+)$')
    till = tonumber(till)
  end
  if wanted[shard] then
    if holder == replica or holder == nil or till <= now then
      redis.call('HSET', key, shard, replica .. ' ' .. string.format('%.0f', now + lease_ms))
      held[#held + 1] = n
    end
  elseif holder == replica then
    redis.call('HDEL', key, shard)
  end
end
return {'ok', held}
