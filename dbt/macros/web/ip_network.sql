{# The network an address belongs to, /24 for IPv4 and /48 for IPv6, null for anything else: an address points at a household, its
   network does not. A `::` within the first 48 bits ends the prefix there, which keeps less than /48 and never more. #}
{% macro ip_network(ip) -%}
    case
        when regexp_like({{ ip }}, '^[0-9]{1,3}([.][0-9]{1,3}){3}$')
            then regexp_extract({{ ip }}, '^[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}') || '.0/24'
        when regexp_like({{ ip }}, '^[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]+$')
            then lower(regexp_extract({{ ip }}, '^([0-9A-Fa-f]{1,4}:){1,3}')) || ':/48'
        when regexp_like({{ ip }}, '^::[0-9A-Fa-f:.]*$') then '::/48'
    end
{%- endmacro %}
