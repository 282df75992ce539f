ALTER TABLE "job_events" ADD COLUMN "position" bigserial NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "job_events_position" ON "job_events" USING btree ("position");