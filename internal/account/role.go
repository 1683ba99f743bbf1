package account

import (
	"slices"

	"opeka/internal/care"
)

// Roles of an agent in a store.
const (
	RoleAdministrator = "administrator"
	RoleSupervisor    = "supervisor"
	RoleAgent         = "agent"
	RoleClerk         = "clerk"  // warehouse, accounting: answers inquiries, sees orders
	RoleClient        = "client" // the shop's own people looking at their contact centre
)

// Roles lists them, most powerful first.
var Roles = []string{RoleAdministrator, RoleSupervisor, RoleAgent, RoleClerk, RoleClient}

// Permissions lists all that there are.
var Permissions = []care.Permission{
	care.PermInboxRead, care.PermInboxWrite, care.PermCustomerRead, care.PermCustomerWrite, care.PermCommerceRead, care.PermCommerceWrite, care.PermWork,
	care.PermIngest, care.PermPhone, care.PermSupervise, care.PermRecordings, care.PermReports, care.PermPeople, care.PermSettings, care.PermConnections, care.PermKeys, care.PermAudit, care.PermOperations,
}

var rolePermissions = map[string][]care.Permission{
	RoleAdministrator: Permissions,
	RoleSupervisor: {
		care.PermInboxRead, care.PermInboxWrite, care.PermCustomerRead, care.PermCustomerWrite, care.PermCommerceRead, care.PermCommerceWrite, care.PermWork,
		care.PermPhone, care.PermSupervise, care.PermRecordings, care.PermReports, care.PermPeople,
	},
	RoleAgent:  {care.PermInboxRead, care.PermInboxWrite, care.PermCustomerRead, care.PermCustomerWrite, care.PermCommerceRead, care.PermCommerceWrite, care.PermWork, care.PermPhone},
	RoleClerk:  {care.PermCustomerRead, care.PermCommerceRead, care.PermWork},
	RoleClient: {care.PermInboxRead, care.PermCustomerRead, care.PermCommerceRead, care.PermRecordings, care.PermReports},
}

// PermissionsOf returns what a role may do; nothing for an unknown one. The caller must not change the slice.
func PermissionsOf(role string) []care.Permission { return rolePermissions[role] }

// covers tells whether somebody with the permissions have may give away those in wanted: nobody grants what he lacks.
func covers(have, wanted []care.Permission) bool {
	for _, p := range wanted {
		if !slices.Contains(have, p) {
			return false
		}
	}
	return true
}
