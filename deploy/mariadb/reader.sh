# Sourced by the image's entrypoint when it makes the database: the user by which Meltano reads the orders.
docker_process_sql <<SQL
CREATE USER IF NOT EXISTS 'meltano'@'%' IDENTIFIED BY '$(cat /run/secrets/mariadb_reader_password)';
GRANT SELECT, SHOW VIEW ON shop.* TO 'meltano'@'%';
SQL
