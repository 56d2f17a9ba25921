-- The two roles of gradesync, for a cluster that a DBA runs. Run once, as a superuser, with psql:
--
--   psql -v owner_password=... -v app_password=... -f deploy/roles.sql
--
-- gradesync_owner owns the tables and runs migrations (GRADESYNC_MIGRATE_DATABASE_URL).
-- gradesync_app is what API and workers connect as (GRADESYNC_DATABASE_URL). It owns nothing, may not create
-- anything, and row-level security holds it to the district of each transaction: gradesync refuses to start
-- as any role that could see more. Migrations grant it what it needs.

\set ON_ERROR_STOP on

CREATE ROLE gradesync_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE gradesync_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'app_password';

CREATE DATABASE gradesync OWNER gradesync_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE gradesync FROM PUBLIC;
GRANT CONNECT ON DATABASE gradesync TO gradesync_app;

\connect gradesync
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
