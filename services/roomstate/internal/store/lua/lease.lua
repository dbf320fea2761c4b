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

local until_then = string.format('%.0f', now + lease_ms)
local held, write, forget = {}, {}, {}
for n = 0, shards - 1 do
  local shard = tostring(n)
  local holder, till = nil, 0
  if leases[shard] then
    holder, till = string.match(leases[shard], '^(%S+) (%d+)$')
    till = tonumber(till)
  end
  if wanted[shard] then
    if holder == replica or holder == nil or till <= now then
      write[#write + 1] = shard
      write[#write + 1] = replica .. ' ' .. until_then
      held[#held + 1] = n
    end
  elseif holder == replica then
    forget[#forget + 1] = shard
  end
end
if #write > 0 then redis.call('HSET', key, unpack(write)) end
if #forget > 0 then redis.call('HDEL', key, unpack(forget)) end
return {'ok', held}
