-- name: InsertDepartment :exec
INSERT INTO departments (id, store_id, name, created_at) VALUES ($1, $2, $3, $4);

-- name: Department :one
SELECT * FROM departments WHERE id = $1;

-- name: Departments :many
SELECT * FROM departments WHERE store_id = ANY(@stores::bigint[]) AND id > @after ORDER BY id LIMIT CAST(@lim AS BIGINT);

-- name: DepartmentNameTaken :one
SELECT count(*) FROM departments WHERE store_id = $1 AND name = $2 AND id <> $3;

-- name: UpdateDepartment :execrows
UPDATE departments SET name = $1 WHERE id = $2;

-- name: DeleteDepartment :execrows
DELETE FROM departments WHERE id = $1;

-- name: LeaveDepartment :exec
UPDATE memberships SET department_id = 0 WHERE department_id = $1;

-- name: LeaveDepartmentTeams :exec
UPDATE teams SET department_id = 0 WHERE department_id = $1;

-- name: InsertTeam :exec
INSERT INTO teams (id, store_id, department_id, name, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: Team :one
SELECT * FROM teams WHERE id = $1;

-- name: Teams :many
SELECT * FROM teams WHERE store_id = ANY(@stores::bigint[]) AND id > @after ORDER BY id LIMIT CAST(@lim AS BIGINT);

-- name: TeamNameTaken :one
SELECT count(*) FROM teams WHERE store_id = $1 AND name = $2 AND id <> $3;

-- name: UpdateTeam :execrows
UPDATE teams SET name = $1, department_id = $2 WHERE id = $3;

-- name: DeleteTeam :execrows
DELETE FROM teams WHERE id = $1;

-- name: TeamMembers :many
SELECT * FROM team_members WHERE team_id = ANY(@teams::bigint[]) ORDER BY team_id, agent_id;

-- name: DeleteTeamMembers :exec
DELETE FROM team_members WHERE team_id = $1;

-- name: InsertTeamMember :exec
INSERT INTO team_members (team_id, agent_id) VALUES ($1, $2) ON CONFLICT (team_id, agent_id) DO NOTHING;

-- name: LeaveTeamsOfStore :exec
DELETE FROM team_members WHERE agent_id = $1 AND team_id IN (SELECT t.id FROM teams t WHERE t.store_id = $2);

-- name: MembersOf :one
SELECT count(*) FROM memberships WHERE store_id = @store AND agent_id = ANY(@agents::bigint[]);
