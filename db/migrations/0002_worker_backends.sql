CREATE TABLE "worker_backends" (
	"identity" text PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"backend" text,
	"version" text,
	"threads" integer,
	"note" text,
	"updated_at" timestamp (3) with time zone NOT NULL
);
