ALTER TABLE "jobs" ADD COLUMN "run_id" text;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "execution_limit_seconds" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "destruction_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "jobs_destruction" ON "jobs" USING btree ("destruction_at") WHERE "jobs"."destruction_at" is not null;