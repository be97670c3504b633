import { defineScript } from './script.ts';

/** Lua: what is due comes back to where it can be claimed, at most a thousand at a time. True where more may be due. */
const promoting = `
local batch = 1000

local function promote(queue, kind)
  local key = prefix .. kind .. ':' .. queue
  local positions = redis.call('ZRANGEBYSCORE', key, '-inf', text(now), 'LIMIT', 0, batch)
  if #positions == 0 then return false end
  local gone, came, members, changed = {}, {}, {}, {}
  for _, record in ipairs(recordsOf(queue, positions)) do
    push(gone, text(record.due), record.position)
    push(came, text(record.place), padded(record.position))
    push(members, padded(record.position))
    record.state, record.due = 'w', 0
    push(changed, record)
  end
  write('ZREM', key, positions, 'ZADD', gone)
  keep(queue, changed)
  write('ZADD', prefix .. 'back:' .. queue, came, 'ZREM', members)
  return #positions == batch
end
`;

/** Lua: the first of those that wait, in the order of their place. */
const choosing = `
-- from the list and from those that came back, at most \`limit\`
local function firstWaiting(queue, limit)
  local back = redis.call('ZRANGE', prefix .. 'back:' .. queue, 0, limit - 1, 'WITHSCORES')
  local fresh = redis.call('LRANGE', prefix .. 'queue:' .. queue, 0, limit - 1)
  local chosen, fromBack, fromList = {}, 0, 0
  while #chosen < limit do
    local place = tonumber(back[2 * fromBack + 2])
    local head = tonumber(fresh[fromList + 1])
    if place and (not head or place < head) then
      push(chosen, { position = text(tonumber(back[2 * fromBack + 1])), isBack = true })
      fromBack = fromBack + 1
    elseif head then
      push(chosen, { position = fresh[fromList + 1], isBack = false })
      fromList = fromList + 1
    else break end
  end
  return chosen
end

-- those of them that one answer should carry
local function withEntries(chosen)
  local ready, bytes = {}, 0
  for index, one in ipairs(chosen) do
    one.entry = entryAt(one.position)
    if not one.entry then error('LOST entry ' .. one.position .. ' of the ledger') end
    bytes = bytes + #one.entry.json
    if index > 1 and bytes > 67108864 then break end
    ready[index] = one
  end
  return ready
end

local function takeOut(queue, chosen)
  local members, scores, reversed = {}, {}, {}
  for index = #chosen, 1, -1 do
    local one = chosen[index]
    if one.isBack then
      push(members, padded(one.position))
      push(scores, text(one.record.place), padded(one.position))
    else push(reversed, one.position) end
  end
  write('ZREM', prefix .. 'back:' .. queue, members, 'ZADD', scores)
  if #reversed == 0 then return end
  redis.call('LTRIM', prefix .. 'queue:' .. queue, #reversed, -1)
  inverse('LPUSH', prefix .. 'queue:' .. queue, reversed)
end
`;

const claiming = `
local function lease(queue, chosen, token, milliseconds, allowed)
  local changed, leased, positions = {}, {}, {}
  for index, one in ipairs(chosen) do
    local record = one.record
    one.isSpent = record.count >= allowed
    if not one.isSpent then record.count, record.epoch = record.count + 1, record.epoch + 1 end
    record.state, record.due, record.lease, record.token = 'l', now + milliseconds, milliseconds, token
    changed[index], positions[index] = record, record.position
    push(leased, text(record.due), record.position)
  end
  keep(queue, changed)
  write('ZADD', prefix .. 'leased:' .. queue, leased, 'ZREM', positions)
end

local function pushDelivery(reply, one)
  pushEntry(reply, one.entry)
  push(reply, one.record.count, one.record.epoch, one.isSpent and 1 or 0)
end

-- the answer of the first try was lost: the deliveries are there under their token
local function claimedBefore(queue, token, allowed)
  local reply = {}
  for _, record in ipairs(recordsOf(queue, redis.call('ZRANGE', prefix .. 'leased:' .. queue, 0, -1))) do
    if record.token == token then
      pushDelivery(reply, { record = record, entry = entryAt(record.position), isSpent = record.count > allowed })
    end
  end
  return reply
end

local function nextDue(queue)
  local first
  for _, kind in ipairs({ 'delayed', 'leased' }) do
    local due = tonumber(redis.call('ZRANGE', prefix .. kind .. ':' .. queue, 0, 0, 'WITHSCORES')[2])
    if due and (not first or due < first) then first = due end
  end
  return first and text(math.max(0, first - now)) or ''
end

-- leaves the name of a consumer that will wait, once
local function enlist(queue, waiter)
  local key = prefix .. 'waiters:' .. queue
  if waiter ~= '' and not redis.call('LPOS', key, waiter) then append(key, { waiter }, redis.call('LLEN', key)) end
end

local function strike(queue, waiter)
  if waiter == '' then return end
  local key = prefix .. 'waiters:' .. queue
  if redis.call('LREM', key, 1, waiter) == 1 then inverse('RPUSH', key, { waiter }) end
end

local function step()
  local queue, limit, milliseconds, token, allowed = take(), takeNumber(), takeNumber(), take(), takeNumber()
  local waiter = take()
  if take() == '1' then
    local before = claimedBefore(queue, token, allowed)
    if #before > 0 then return { 'claimed', text(now), before } end
  end
  local more = promote(queue, 'delayed')
  more = promote(queue, 'leased') or more
  if more then return { 'again', text(now) } end
  local chosen = withEntries(firstWaiting(queue, limit))
  if #chosen == 0 then
    enlist(queue, waiter)
    return { 'none', text(now), nextDue(queue) }
  end
  local positions = {}
  for index, one in ipairs(chosen) do positions[index] = one.position end
  for index, record in ipairs(recordsOf(queue, positions)) do chosen[index].record = record end
  takeOut(queue, chosen)
  lease(queue, chosen, token, milliseconds, allowed)
  strike(queue, waiter)
  local reply = {}
  for _, one in ipairs(chosen) do pushDelivery(reply, one) end
  return { 'claimed', text(now), reply }
end
`;

/**
 * Arguments: queue, at most how many, lease in milliseconds, token, deliveries allowed, the consumer as it stands among the waiters (empty
 * where it will not wait), `1` where the token may have been given deliveries before.
 */
export const claimScript = defineScript('claim', `${promoting}${choosing}${claiming}`);

/** Arguments: queue, the consumer as it stands among the waiters. It waits no more. */
export const leaveScript = defineScript(
  'leave',
  `
local function step()
  redis.call('LREM', prefix .. 'waiters:' .. take(), 1, take())
  return { 'done' }
end
`,
);
