-- How much each stream brings a day against the same weekday's usual number, as in finance.revenue_anomalies: the
-- median of the eight weeks before, and how far from it in robust standard deviations. A stream that falls silent has
-- its days with nothing, up to the company's latest day in any stream. A record that is dated ahead does not move that
-- day beyond the last one on which a source wrote anything.
with counted as (

  {%- for stream in contracts().values() | selectattr('volume') %}
  select
    '{{ stream.system }}' as source_system,
    '{{ stream.table }}' as source_table,
    '{{ stream.owner }}' as owner,
    {{ business_date(stream.volume.by) }} as volume_date,
    {{ stream.volume.at_least }} as at_least,
    count(*) as records,
    max({{ business_date(stream.freshness.by) }}) as written_on
  from {{ ref('stg_' ~ stream.system ~ '__' ~ stream.table) }}
  group by {{ business_date(stream.volume.by) }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}

),

streams as (

  select
    source_system,
    source_table,
    max(owner) as owner,
    max(at_least) as at_least,
    min(volume_date) as first_day,
    least(max(max(volume_date)) over (), max(max(written_on)) over ()) as latest_day
  from counted
  group by source_system, source_table

),

days as (

  select
    streams.source_system,
    streams.source_table,
    streams.owner,
    streams.at_least,
    streams.latest_day,
    dates.date_day as volume_date,
    coalesce(counted.records, 0) as records
  from streams
  inner join {{ ref('dim_dates') }} as dates on dates.date_day between streams.first_day and streams.latest_day
  left join counted
    on
      streams.source_system = counted.source_system and streams.source_table = counted.source_table
      and dates.date_day = counted.volume_date

),

weeks_before as (

  select
    days.source_system,
    days.source_table,
    days.volume_date,
    before.records
  from days
  inner join days as before
    on
      days.source_system = before.source_system and days.source_table = before.source_table
      and before.volume_date < days.volume_date
      and before.volume_date >= {{ add_days('days.volume_date', -56) }}
      and {{ iso_weekday('before.volume_date') }} = {{ iso_weekday('days.volume_date') }}

),

expectations as (

  select
    source_system,
    source_table,
    volume_date,
    count(*) as weeks,
    cast({{ median('records') }} as decimal(18, 1)) as expected
  from weeks_before
  group by source_system, source_table, volume_date

),

spreads as (

  select
    weeks_before.source_system,
    weeks_before.source_table,
    weeks_before.volume_date,
    cast({{ median('abs(weeks_before.records - expectations.expected)') }} as decimal(18, 2)) as mad
  from weeks_before
  inner join expectations
    on
      weeks_before.source_system = expectations.source_system
      and weeks_before.source_table = expectations.source_table
      and weeks_before.volume_date = expectations.volume_date
  group by weeks_before.source_system, weeks_before.source_table, weeks_before.volume_date

),

scored as (

  select
    days.source_system,
    days.source_table,
    days.owner,
    days.volume_date,
    days.records,
    days.at_least,
    days.latest_day,
    coalesce(expectations.weeks, 0) as weeks,
    expectations.expected,
    spreads.mad,
    {{ robust_distance('days.records', 'expectations.expected', 'spreads.mad', digits=6) }} as distance
  from days
  left join expectations
    on
      days.source_system = expectations.source_system and days.source_table = expectations.source_table
      and days.volume_date = expectations.volume_date
  left join spreads
    on
      days.source_system = spreads.source_system and days.source_table = spreads.source_table
      and days.volume_date = spreads.volume_date

)

select
  source_system,
  source_table,
  owner,
  volume_date,
  latest_day,
  records,
  at_least,
  weeks,
  expected,
  mad,
  case when weeks >= 4 then distance end as robust_z,
  records < at_least as is_too_few,
  -- three tenths: a small shop's days differ by a few records, and that is no news
  {{ is_out_of_the_ordinary('distance', 'weeks') }}
  and abs(records - expected) * 10 > expected * 3 as is_unusual,
  {{ days_between('volume_date', 'latest_day') }} < 7 as is_recent
from scored
