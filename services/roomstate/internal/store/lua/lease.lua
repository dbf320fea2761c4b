-- Takes the shards that a replica wants, if nobody alive holds them, and gives up its others.
local replica, shards = arg(), count()
local wanted = {}
for _ = 1, count() do wanted[arg()] = true end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local alive = {}
for _, one in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'replicas', now + 1, '+inf')) do alive[one] = true end

local key = prefix .. 'shards'
local holders = {}
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do holders[all[i]] = all[i + 1] end

local held, write, forget = {}, {}, {}
for n = 0, shards - 1 do
  local shard = tostring(n)
  local holder = holders[shard]
  if wanted[shard] and alive[replica] then
    if holder ~= replica and not alive[holder or ''] then
      write[#write + 1] = shard
      write[#write + 1] = replica
      holder = replica
    end
    if holder == replica then held[#held + 1] = n end
  elseif holder == replica then
    forget[#forget + 1] = shard
  end
end
if #write > 0 then redis.call('HSET', key, unpack(write)) end
if #forget > 0 then redis.call('HDEL', key, unpack(forget)) end
return {'ok', held}
