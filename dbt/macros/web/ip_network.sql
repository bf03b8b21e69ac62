{#- The network an address belongs to, /24 for IPv4 and /48 for IPv6, NULL for anything else: an address points at a household, its
    network does not. A `::` within the first 48 bits ends the prefix there, which keeps less than /48, never more. -#}
{% macro ip_network(ip) -%}
  case
    when {{ matches(ip, '^[0-9]{1,3}([.][0-9]{1,3}){3}$') }}
      then {{ first_match(ip, '^[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}') }} || '.0/24'
    when {{ matches(ip, '^[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]+$') }}
      then lower({{ first_match(ip, '^([0-9A-Fa-f]{1,4}:){1,3}') }}) || ':/48'
    when {{ matches(ip, '^::[0-9A-Fa-f:.]*$') }} then '::/48'
  end
{%- endmacro %}
