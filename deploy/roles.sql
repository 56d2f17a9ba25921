-- The two roles of gradesync, made by PostgreSQL's superuser, once. Run by psql, which reads the passwords from
-- the environment: OWNER_PASSWORD, APP_PASSWORD.
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD

-- Owns the tables and runs migrations.
CREATE ROLE gradesync_owner LOGIN PASSWORD :'owner_password';
-- Runs the API and the workers. It owns nothing, and row-level security binds it.
CREATE ROLE gradesync_app LOGIN PASSWORD :'app_password' NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;

CREATE DATABASE gradesync OWNER gradesync_owner TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE gradesync FROM PUBLIC;
GRANT CONNECT ON DATABASE gradesync TO gradesync_app;
