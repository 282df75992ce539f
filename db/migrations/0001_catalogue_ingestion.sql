CREATE TABLE "catalogue_scan" (
	"id" integer PRIMARY KEY NOT NULL,
	"begun_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
DROP INDEX "spectra_type";--> statement-breakpoint
DROP INDEX "spectra_z";--> statement-breakpoint
DROP INDEX "spectra_sn_g";--> statement-breakpoint
DROP INDEX "spectra_header_filename";--> statement-breakpoint
ALTER TABLE "spectra" ADD COLUMN "digest" bigint;--> statement-breakpoint
CREATE INDEX "spectra_header_filename" ON "spectra" USING btree ("header_filename_key") WHERE "spectra"."header_filename_key" is not null;