-- Spend ARGV[3] of a quota of ARGV[1] in ARGV[2] microseconds, all of it or nothing.
-- KEYS[1] is a hash: the count of each slot by its number, and "used", "oldest", "newest".
-- The arithmetic is that of domain/rate_limits.py; the clock is the server's, one for all.
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local slots = 60
local width = window / slots
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local key = KEYS[1]

local state = redis.call('HMGET', key, 'used', 'oldest', 'newest')
local slot = math.floor(now / width)
local used = tonumber(state[1]) or 0
local oldest = tonumber(state[2]) or slot
local newest = tonumber(state[3]) or slot
if slot < newest then slot = newest end

local function name(number) return string.format('%.0f', number) end

if oldest < slot - slots then
  if newest < slot - slots then
    redis.call('DEL', key)
    used, oldest = 0, slot
  else
    repeat
      local count = redis.call('HGET', key, name(oldest))
      if count then
        used = used - count
        redis.call('HDEL', key, name(oldest))
      end
      oldest = oldest + 1
    until oldest >= slot - slots
  end
end
while used > 0 and redis.call('HEXISTS', key, name(oldest)) == 0 do oldest = oldest + 1 end
if used == 0 then oldest = slot end

local allowed = 0
if used + cost <= limit then
  allowed = 1
  used = used + cost
  redis.call('HINCRBY', key, name(slot), cost)
end
if used > 0 then
  redis.call('HSET', key, 'used', used, 'oldest', name(oldest), 'newest', name(slot))
  redis.call('PEXPIRE', key, math.ceil((window + width) / 1000))
end

local reset = 0
if used > 0 then reset = (oldest + slots + 1) * width - now end
return {allowed, math.max(0, limit - used), math.ceil(reset)}
