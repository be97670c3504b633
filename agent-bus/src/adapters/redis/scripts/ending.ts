import { defineSendingScript } from './script.ts';

/**
 * Arguments: expected stream and version, `c` (completed) or `b` (buried), number of groups of deliveries that follow each other and have
 * queue and token in common, each as queue, token, number, ids; of a buried one the id of its notice and its error as JSON; items.
 */
export const endScript = defineSendingScript(
  'end',
  `
local function takeLeases()
  local leases, ids = {}, {}
  for _ = 1, takeNumber() do
    local queue, token = take(), take()
    for _ = 1, takeNumber() do
      local index = #ids + 1
      ids[index] = take()
      leases[index] = { queue = queue, token = token }
    end
  end
  return leases, ids
end

-- what ending a lease must know of its record; all of it where it is no lease, or has lapsed
local function leasedAs(position, value)
  local counts, due, lease, token = string.match(value or '', '^l|(%d+|%d+|%d+)|(%d+)|(%d+)|([^|]*)|$')
  if not counts then return parsed(position, value) end
  return { position = position, old = value, state = 'l', counts = counts, due = due, lease = lease, token = token }
end

local function endedRecord(record, state, receipt)
  if record.counts then
    record.new = state .. '|' .. record.counts .. '|0|' .. record.lease .. '|' .. record.token .. '|' .. receipt
  else record.state, record.due, record.receipt = state, 0, receipt end
end

-- the records of the leases, and how many have ended; or nil and the number of the lease that is not held
local function takeEnds()
  local leases, ids = takeLeases()
  local positions = readMany('HMGET', prefix .. 'ids', ids)
  local wanted, ended = {}, 0
  for index, lease in ipairs(leases) do
    if not positions[index] then return nil, index end
    wanted[lease.queue] = wanted[lease.queue] or {}
    push(wanted[lease.queue], positions[index])
  end
  local found = {}
  for queue, list in pairs(wanted) do found[queue] = readMany('HMGET', prefix .. 'deliveries:' .. queue, list) end
  local taken = {}
  for index, lease in ipairs(leases) do
    local place = (taken[lease.queue] or 0) + 1
    taken[lease.queue] = place
    lease.record = leasedAs(positions[index], found[lease.queue][place])
    if not isHeld(lease.record, lease.token) then return nil, index end
    if isEnded(lease.record) then ended = ended + 1 end
  end
  return leases, ended
end

-- the receipt of several deliveries stands with the first of them
local function firstEntries(first)
  local queue, position = string.match(first.record.receipt, '^@(%S+) (%d+)$')
  local record = queue and recordsOf(queue, { position })[1] or first.record
  local reply = {}
  for entry in string.gmatch(record.receipt, '%d+') do
    local found = entryAt(entry)
    if found then pushEntry(reply, found) end
  end
  return { 'before', redis.call('HGET', facts, 'last'), reply }
end

local function receiptOf(plan)
  local seen, positions = {}, {}
  for index = 1, #plan.reply, 3 do
    local position = plan.reply[index]
    if not seen[position] then push(positions, position) end
    seen[position] = true
  end
  return table.concat(positions, ' ')
end

local function endAll(ends, state, receipt)
  local first = ends[1]
  if not first then return end
  local changed = {}
  for _, one in ipairs(ends) do
    changed[one.queue] = changed[one.queue] or {}
    push(changed[one.queue], one.record)
  end
  for queue, list in pairs(changed) do lift(queue, list) end
  local other = '@' .. first.queue .. ' ' .. first.record.position
  for index, one in ipairs(ends) do endedRecord(one.record, state, index == 1 and receipt or other) end
  for queue, list in pairs(changed) do keep(queue, list) end
end

local function bury(first, notice, problem)
  local record = first.record
  local count = record.counts and string.match(record.counts, '|(%d+)|') or text(record.count)
  local value = table.concat({ first.queue, record.position, count, text(now), problem }, '|')
  writeField(prefix .. 'dead', notice, value, nil)
end

local function step()
  local stream, version, state = take(), take(), take()
  local ends, ended = takeEnds()
  if not ends then return { 'stale', ended } end
  local notice, problem
  if state == 'b' then notice, problem = take(), take() end
  if #ends > 0 and ended == #ends then return firstEntries(ends[1]) end
  for index, one in ipairs(ends) do
    if isEnded(one.record) then return { 'stale', index } end
  end
  local refused = conflict(stream, version)
  if refused then return refused end
  local items = takeItems()
  local plan, id = planAppend(items, knownOf(items))
  if not plan then return { 'id', id } end
  applyAppend(plan)
  endAll(ends, state, receiptOf(plan))
  if notice then bury(ends[1], notice, problem) end
  ringBells()
  return { 'done', text(plan.last), plan.reply }
end
`,
);
