-- name: InsertAgent :exec
INSERT INTO agents (id, name, email, password, language, avatar_color, keymap, owner, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9);

-- name: Agent :one
SELECT * FROM agents WHERE id = $1;

-- name: AgentByEmail :one
SELECT * FROM agents WHERE email = $1;

-- name: UpdateAgent :execrows
UPDATE agents SET name = $1, email = $2, language = $3, theme = $4, keymap = $5, active = $6, updated_at = $7 WHERE id = $8;

-- name: SetPassword :execrows
UPDATE agents SET password = $1, updated_at = $2 WHERE id = $3;

-- name: Owners :many
SELECT id FROM agents WHERE owner AND active ORDER BY id;

-- name: AgentsOfStores :many
SELECT * FROM agents a WHERE a.id > @after AND (CAST(@inactive AS BOOLEAN) OR a.active)
AND EXISTS (SELECT 1 FROM memberships m WHERE m.agent_id = a.id AND m.store_id = ANY(@stores::bigint[]))
ORDER BY a.id LIMIT CAST(@lim AS BIGINT);

-- name: SetMembership :exec
INSERT INTO memberships (agent_id, store_id, role, department_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (agent_id, store_id) DO UPDATE SET role = excluded.role, department_id = excluded.department_id;

-- name: DeleteMembership :execrows
DELETE FROM memberships WHERE agent_id = $1 AND store_id = $2;

-- name: MembershipsOf :many
SELECT m.* FROM memberships m JOIN stores s ON s.id = m.store_id WHERE m.agent_id = ANY(@agents::bigint[]) AND s.archived_at = 0 ORDER BY m.agent_id, m.store_id;

-- name: OtherAdministrators :one
SELECT count(*) FROM memberships m JOIN agents a ON a.id = m.agent_id WHERE m.store_id = $1 AND m.role = 'administrator' AND a.active AND a.id <> $2;

-- name: SkillsOf :many
SELECT * FROM skills WHERE agent_id = ANY(@agents::bigint[]) ORDER BY agent_id, kind, value;

-- name: DeleteSkills :exec
DELETE FROM skills WHERE agent_id = $1;

-- name: InsertSkill :exec
INSERT INTO skills (agent_id, kind, value) VALUES ($1, $2, $3) ON CONFLICT (agent_id, kind, value) DO NOTHING;

-- name: CapacitiesOf :many
SELECT * FROM capacities WHERE agent_id = ANY(@agents::bigint[]) ORDER BY agent_id, channel;

-- name: DeleteCapacities :exec
DELETE FROM capacities WHERE agent_id = $1;

-- name: InsertCapacity :exec
INSERT INTO capacities (agent_id, channel, max_open) VALUES ($1, $2, $3);

-- name: InsertInvitation :exec
INSERT INTO invitations (id, token_hash, agent_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5);

-- name: Invitation :one
SELECT i.agent_id, a.name, a.email, a.language FROM invitations i JOIN agents a ON a.id = i.agent_id WHERE i.token_hash = $1 AND i.expires_at > $2 AND a.active;

-- name: UseInvitation :one
DELETE FROM invitations WHERE token_hash = $1 AND expires_at > $2 RETURNING agent_id;

-- name: DeleteInvitations :exec
DELETE FROM invitations WHERE agent_id = $1;
