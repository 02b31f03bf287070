/*
description: What every check decided on the days and periods published here. Counters only, never row
  content.
grain: one row per suite, partition and counter
keys: [suite, partition, counter]
partition: none
columns:
  suite: "Fact, mart or control the counter belongs to."
  suite_version: "Version of the suite that decided."
  partition: "Day, month or source the value is of."
  counter: "What was counted."
  value: "The value as exact decimal text."
  expectation: "What the value had to be."
  severity: "block: stops publication; warn: only shown."
  passed: "Whether the value is as expected."
  message: "What is wrong and what to do next; null when passed."
*/

select
    suite,
    suite_version,
    partition,
    counter,
    value,
    expectation,
    severity,
    passed,
    message
from judgements
