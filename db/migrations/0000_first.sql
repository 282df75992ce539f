CREATE TABLE "artifacts" (
	"job_id" uuid NOT NULL,
	"path" text NOT NULL,
	"media_type" text NOT NULL,
	"bytes" bigint NOT NULL,
	"sha256" text NOT NULL,
	CONSTRAINT "artifacts_job_id_path_pk" PRIMARY KEY("job_id","path")
);
--> statement-breakpoint
CREATE TABLE "job_events" (
	"job_id" uuid NOT NULL,
	"id" bigint NOT NULL,
	"kind" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"key" text,
	"data" jsonb NOT NULL,
	CONSTRAINT "job_events_job_id_id_pk" PRIMARY KEY("job_id","id")
);
--> statement-breakpoint
CREATE TABLE "job_rejects" (
	"job_id" uuid NOT NULL,
	"path" text NOT NULL,
	"reason" text NOT NULL,
	CONSTRAINT "job_rejects_job_id_path_pk" PRIMARY KEY("job_id","path")
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"phase" text NOT NULL,
	"label" text NOT NULL,
	"description" text,
	"dir_path" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"status_detail" text,
	"waiting_for" text,
	"config" jsonb,
	"submitted_config" jsonb,
	"workflow_id" text,
	"progress" jsonb,
	"error" jsonb,
	"event_sequence" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"workflow_id" text NOT NULL,
	"command" text NOT NULL,
	"payload" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"not_before" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_error" text
);
--> statement-breakpoint
CREATE TABLE "shard_progress" (
	"job_id" uuid NOT NULL,
	"shard" integer NOT NULL,
	"done" integer NOT NULL,
	"rejected" integer NOT NULL,
	CONSTRAINT "shard_progress_job_id_shard_pk" PRIMARY KEY("job_id","shard")
);
--> statement-breakpoint
CREATE TABLE "spectra" (
	"path" text PRIMARY KEY NOT NULL,
	"filename" text NOT NULL,
	"filename_key" text NOT NULL,
	"header_filename" text,
	"header_filename_key" text,
	"unreadable_reason" text,
	"layout" text,
	"size" bigint NOT NULL,
	"modified_at" timestamp (3) with time zone NOT NULL,
	"targetname" text,
	"obsid" text,
	"observed_at" text,
	"type" text,
	"subtype" text,
	"ra" double precision,
	"dec" double precision,
	"magtype" text,
	"mag_1" double precision,
	"mag_2" double precision,
	"mag_3" double precision,
	"mag_4" double precision,
	"mag_5" double precision,
	"mag_6" double precision,
	"mag_7" double precision,
	"sn_u" double precision,
	"sn_g" double precision,
	"sn_r" double precision,
	"sn_i" double precision,
	"sn_z" double precision,
	"z" double precision,
	"z_err" double precision,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "artifacts" ADD CONSTRAINT "artifacts_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job_events" ADD CONSTRAINT "job_events_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job_rejects" ADD CONSTRAINT "job_rejects_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "shard_progress" ADD CONSTRAINT "shard_progress_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "job_events_kind" ON "job_events" USING btree ("job_id","kind","id");--> statement-breakpoint
CREATE INDEX "job_events_key" ON "job_events" USING btree ("job_id","key") WHERE "job_events"."key" is not null;--> statement-breakpoint
CREATE INDEX "jobs_newest" ON "jobs" USING btree ("created_at" DESC NULLS LAST,"id");--> statement-breakpoint
CREATE INDEX "jobs_phase" ON "jobs" USING btree ("phase");--> statement-breakpoint
CREATE INDEX "outbox_workflow" ON "outbox" USING btree ("workflow_id","id");--> statement-breakpoint
CREATE INDEX "spectra_filename" ON "spectra" USING btree ("filename_key");--> statement-breakpoint
CREATE INDEX "spectra_header_filename" ON "spectra" USING btree ("header_filename_key");--> statement-breakpoint
CREATE INDEX "spectra_type" ON "spectra" USING btree ("type","subtype");--> statement-breakpoint
CREATE INDEX "spectra_dec" ON "spectra" USING btree ("dec");--> statement-breakpoint
CREATE INDEX "spectra_z" ON "spectra" USING btree ("z");--> statement-breakpoint
CREATE INDEX "spectra_sn_g" ON "spectra" USING btree ("sn_g");