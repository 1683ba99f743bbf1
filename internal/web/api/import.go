package api

import (
	"context"
	"io"

	"github.com/danielgtaylor/huma/v2"

	"opeka/internal/care"
	"opeka/internal/commerce"
)

// ImportFile is an uploaded CSV file.
type ImportFile struct {
	File huma.FormFile `form:"file" required:"true"`
}

// ImportRun says how a file is to be read; what is absent is as it was found out.
type ImportRun struct {
	DryRun  bool             `json:"dry_run"`
	Format  *commerce.Format `json:"format,omitempty"`
	Mapping map[string]int   `json:"mapping,omitempty"`
}

// CSVFile is a file to save.
type CSVFile struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

func (a *API) registerImport() {
	if a.Commerce == nil {
		return
	}
	ingest := needs(care.PermIngest)
	const tag = "Imports"
	register(a, op{ID: "upload-import", Method: "POST", Path: "/imports", Tag: tag, Summary: "Upload a CSV file", Access: ingest, Status: 201, MaxBody: commerce.MaxImport,
		Detail: "Answers with how the file is written, its first rows and what its columns seem to be."},
		func(ctx context.Context, in *struct {
			ConnectionID int64  `query:"connection_id" minimum:"1" required:"true"`
			Kind         string `query:"kind" enum:"customer,product,order" required:"true"`
			RawBody      huma.MultipartFormFiles[ImportFile]
		}) (*Out[commerce.Import], error) {
			f := in.RawBody.Data().File
			body, err := io.ReadAll(f)
			if err != nil {
				return nil, err
			}
			return out(a.Commerce.Upload(ctx, scope(ctx), in.ConnectionID, care.RecordKind(in.Kind), f.Filename, body))
		})
	register(a, op{ID: "get-import", Method: "GET", Path: "/imports/{id}", Tag: tag, Summary: "How an import stands", Access: ingest},
		func(ctx context.Context, in *ByID) (*Out[commerce.Import], error) {
			return out(a.Commerce.Import(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "run-import", Method: "POST", Path: "/imports/{id}/run", Tag: tag, Summary: "Check a file without changing anything, or import it", Access: ingest},
		func(ctx context.Context, in *struct {
			ByID
			Body ImportRun
		}) (*Out[commerce.Import], error) {
			var f commerce.Format
			if in.Body.Format != nil {
				f = *in.Body.Format
			}
			return out(a.Commerce.RunImport(ctx, scope(ctx), in.ID, f, in.Body.Mapping, in.Body.DryRun))
		})
	register(a, op{ID: "get-import-errors", Method: "GET", Path: "/imports/{id}/errors", Tag: tag, Summary: "The refused rows as a CSV file, with what is wrong", Access: ingest},
		func(ctx context.Context, in *ByID) (*CSVFile, error) {
			b, err := a.Commerce.ImportErrors(ctx, scope(ctx), in.ID)
			if err != nil {
				return nil, err
			}
			return &CSVFile{ContentType: "text/csv; charset=utf-8", ContentDisposition: `attachment; filename="errors.csv"`, Body: b}, nil
		})
}
