CREATE TYPE "public"."spectrum_set" AS ENUM('ORACLE', 'PERFORMANCE_ESTIMATION', 'CANDIDATE');--> statement-breakpoint
CREATE TABLE "batches" (
	"job_id" uuid NOT NULL,
	"iteration" integer NOT NULL,
	"class_list_version" integer NOT NULL,
	"opened_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp (3) with time zone,
	"closed_how" text,
	CONSTRAINT "batches_job_id_iteration_pk" PRIMARY KEY("job_id","iteration")
);
--> statement-breakpoint
CREATE TABLE "class_lists" (
	"job_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"classes" text[] NOT NULL,
	"candidate_classes" text[] NOT NULL,
	"becomes" jsonb NOT NULL,
	"changed_by" text,
	"changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "class_lists_job_id_version_pk" PRIMARY KEY("job_id","version")
);
--> statement-breakpoint
CREATE TABLE "labelling_history" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"labelling_id" uuid NOT NULL,
	"user_label" text,
	"decision" text,
	"user_comment" text,
	"labelled_by" text,
	"given_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"settles" boolean DEFAULT false NOT NULL,
	"class_list_version" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "labellings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"job_id" uuid NOT NULL,
	"spectrum_set" "spectrum_set" NOT NULL,
	"sequence_iteration" integer NOT NULL,
	"rank" integer NOT NULL,
	"spectrum_filename" text NOT NULL,
	"spectrum_key" text NOT NULL,
	"object_key" text,
	"model_prediction" text,
	"probabilities" real[],
	"source" text,
	"user_label" text,
	"decision" text,
	"user_comment" text,
	"labelled_by" text,
	"labelled_at" timestamp (3) with time zone,
	"answer_id" bigint
);
--> statement-breakpoint
ALTER TABLE "batches" ADD CONSTRAINT "batches_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "class_lists" ADD CONSTRAINT "class_lists_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "labelling_history" ADD CONSTRAINT "labelling_history_labelling_id_labellings_id_fk" FOREIGN KEY ("labelling_id") REFERENCES "public"."labellings"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "labellings" ADD CONSTRAINT "labellings_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "labelling_history_labelling" ON "labelling_history" USING btree ("labelling_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "labellings_order" ON "labellings" USING btree ("job_id","spectrum_set","sequence_iteration","rank") WHERE "labellings"."source" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "labellings_imported" ON "labellings" USING btree ("job_id","source","spectrum_key") WHERE "labellings"."source" is not null;