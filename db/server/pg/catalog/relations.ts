/**
 * The relations of pg_catalog and information_schema of PostgreSQL 15 that clients ask: schema, name, oid, columns. A column
 * is text unless a type follows its name. Most are empty here; which are filled, and with what, is in content.ts.
 */
export type CatalogType = 'text' | 'bool' | 'int2' | 'int4' | 'int8' | 'oid' | 'float8';

export interface CatalogRelation {
  readonly schema: 'pg_catalog' | 'information_schema';
  readonly name: string;
  readonly oid: number;
  readonly columns: readonly { readonly name: string; readonly type: CatalogType }[];
}

const RELATIONS = `
information_schema.check_constraints 13260 constraint_catalog constraint_schema constraint_name check_clause
information_schema.columns 13295 table_catalog table_schema table_name column_name ordinal_position:int4
  column_default is_nullable data_type character_maximum_length:int4 character_octet_length:int4
  numeric_precision:int4 numeric_precision_radix:int4 numeric_scale:int4 datetime_precision:int4 interval_type
  interval_precision:int4 character_set_catalog character_set_schema character_set_name collation_catalog
  collation_schema collation_name domain_catalog domain_schema domain_name udt_catalog udt_schema udt_name
  scope_catalog scope_schema scope_name maximum_cardinality:int4 dtd_identifier is_self_referencing
  is_identity identity_generation identity_start identity_increment identity_maximum identity_minimum
  identity_cycle is_generated generation_expression is_updatable
information_schema.constraint_column_usage 13300 table_catalog table_schema table_name column_name
  constraint_catalog constraint_schema constraint_name
information_schema.key_column_usage 13329 constraint_catalog constraint_schema constraint_name table_catalog
  table_schema table_name column_name ordinal_position:int4 position_in_unique_constraint:int4
information_schema.parameters 13334 specific_catalog specific_schema specific_name ordinal_position:int4
  parameter_mode is_result as_locator parameter_name data_type character_maximum_length:int4
  character_octet_length:int4 character_set_catalog character_set_schema character_set_name collation_catalog
  collation_schema collation_name numeric_precision:int4 numeric_precision_radix:int4 numeric_scale:int4
  datetime_precision:int4 interval_type interval_precision:int4 udt_catalog udt_schema udt_name scope_catalog
  scope_schema scope_name maximum_cardinality:int4 dtd_identifier parameter_default
information_schema.referential_constraints 13339 constraint_catalog constraint_schema constraint_name
  unique_constraint_catalog unique_constraint_schema unique_constraint_name match_option update_rule
  delete_rule
information_schema.routines 13377 specific_catalog specific_schema specific_name routine_catalog
  routine_schema routine_name routine_type module_catalog module_schema module_name udt_catalog udt_schema
  udt_name data_type character_maximum_length:int4 character_octet_length:int4 character_set_catalog
  character_set_schema character_set_name collation_catalog collation_schema collation_name
  numeric_precision:int4 numeric_precision_radix:int4 numeric_scale:int4 datetime_precision:int4 interval_type
  interval_precision:int4 type_udt_catalog type_udt_schema type_udt_name scope_catalog scope_schema scope_name
  maximum_cardinality:int4 dtd_identifier routine_body routine_definition external_name external_language
  parameter_style is_deterministic sql_data_access is_null_call sql_path schema_level_routine
  max_dynamic_result_sets:int4 is_user_defined_cast is_implicitly_invocable security_type
  to_sql_specific_catalog to_sql_specific_schema to_sql_specific_name as_locator created last_altered
  new_savepoint_level is_udt_dependent result_cast_from_data_type result_cast_as_locator
  result_cast_char_max_length:int4 result_cast_char_octet_length:int4 result_cast_char_set_catalog
  result_cast_char_set_schema result_cast_char_set_name result_cast_collation_catalog
  result_cast_collation_schema result_cast_collation_name result_cast_numeric_precision:int4
  result_cast_numeric_precision_radix:int4 result_cast_numeric_scale:int4 result_cast_datetime_precision:int4
  result_cast_interval_type result_cast_interval_precision:int4 result_cast_type_udt_catalog
  result_cast_type_udt_schema result_cast_type_udt_name result_cast_scope_catalog result_cast_scope_schema
  result_cast_scope_name result_cast_maximum_cardinality:int4 result_cast_dtd_identifier
information_schema.schemata 13382 catalog_name schema_name schema_owner default_character_set_catalog
  default_character_set_schema default_character_set_name sql_path
information_schema.sequences 13386 sequence_catalog sequence_schema sequence_name data_type
  numeric_precision:int4 numeric_precision_radix:int4 numeric_scale:int4 start_value minimum_value
  maximum_value increment cycle_option
information_schema.table_constraints 13411 constraint_catalog constraint_schema constraint_name
  table_catalog table_schema table_name constraint_type is_deferrable initially_deferred enforced
  nulls_distinct
information_schema.tables 13425 table_catalog table_schema table_name table_type
  self_referencing_column_name reference_generation user_defined_type_catalog user_defined_type_schema
  user_defined_type_name is_insertable_into is_typed commit_action
information_schema.triggers 13440 trigger_catalog trigger_schema trigger_name event_manipulation
  event_object_catalog event_object_schema event_object_table action_order:int4 action_condition
  action_statement action_orientation action_timing action_reference_old_table action_reference_new_table
  action_reference_old_row action_reference_new_row created
information_schema.views 13483 table_catalog table_schema table_name view_definition check_option
  is_updatable is_insertable_into is_trigger_updatable is_trigger_deletable is_trigger_insertable_into
pg_catalog.pg_am 2601 oid:oid amname amhandler amtype
pg_catalog.pg_attrdef 2604 oid:oid adrelid:oid adnum:int2 adbin
pg_catalog.pg_attribute 1249 attrelid:oid attname atttypid:oid attstattarget:int4 attlen:int2 attnum:int2
  attndims:int4 attcacheoff:int4 atttypmod:int4 attbyval:bool attalign attstorage attcompression
  attnotnull:bool atthasdef:bool atthasmissing:bool attidentity attgenerated attisdropped:bool attislocal:bool
  attinhcount:int4 attcollation:oid attacl attoptions attfdwoptions attmissingval
pg_catalog.pg_auth_members 1261 roleid:oid member:oid grantor:oid admin_option:bool
pg_catalog.pg_cast 2605 oid:oid castsource:oid casttarget:oid castfunc:oid castcontext castmethod
pg_catalog.pg_class 1259 oid:oid relname relnamespace:oid reltype:oid reloftype:oid relowner:oid relam:oid
  relfilenode:oid reltablespace:oid relpages:int4 reltuples:float8 relallvisible:int4 reltoastrelid:oid
  relhasindex:bool relisshared:bool relpersistence relkind relnatts:int2 relchecks:int2 relhasrules:bool
  relhastriggers:bool relhassubclass:bool relrowsecurity:bool relforcerowsecurity:bool relispopulated:bool
  relreplident relispartition:bool relrewrite:oid relfrozenxid:int8 relminmxid:int8 relacl reloptions
  relpartbound
pg_catalog.pg_collation 3456 oid:oid collname collnamespace:oid collowner:oid collprovider
  collisdeterministic:bool collencoding:int4 collcollate collctype colliculocale collversion
pg_catalog.pg_constraint 2606 oid:oid conname connamespace:oid contype condeferrable:bool condeferred:bool
  convalidated:bool conrelid:oid contypid:oid conindid:oid conparentid:oid confrelid:oid confupdtype
  confdeltype confmatchtype conislocal:bool coninhcount:int4 connoinherit:bool conkey confkey conpfeqop
  conppeqop conffeqop confdelsetcols conexclop conbin
pg_catalog.pg_database 1262 oid:oid datname datdba:oid encoding:int4 datlocprovider datistemplate:bool
  datallowconn:bool datconnlimit:int4 datfrozenxid:int8 datminmxid:int8 dattablespace:oid datcollate datctype
  daticulocale datcollversion datacl
pg_catalog.pg_db_role_setting 2964 setdatabase:oid setrole:oid setconfig
pg_catalog.pg_default_acl 826 oid:oid defaclrole:oid defaclnamespace:oid defaclobjtype defaclacl
pg_catalog.pg_depend 2608 classid:oid objid:oid objsubid:int4 refclassid:oid refobjid:oid refobjsubid:int4
  deptype
pg_catalog.pg_description 2609 objoid:oid classoid:oid objsubid:int4 description
pg_catalog.pg_enum 3501 oid:oid enumtypid:oid enumsortorder:float8 enumlabel
pg_catalog.pg_event_trigger 3466 oid:oid evtname evtevent evtowner:oid evtfoid:oid evtenabled evttags
pg_catalog.pg_extension 3079 oid:oid extname extowner:oid extnamespace:oid extrelocatable:bool extversion
  extconfig extcondition
pg_catalog.pg_foreign_data_wrapper 2328 oid:oid fdwname fdwowner:oid fdwhandler:oid fdwvalidator:oid fdwacl
  fdwoptions
pg_catalog.pg_foreign_server 1417 oid:oid srvname srvowner:oid srvfdw:oid srvtype srvversion srvacl
  srvoptions
pg_catalog.pg_foreign_table 3118 ftrelid:oid ftserver:oid ftoptions
pg_catalog.pg_index 2610 indexrelid:oid indrelid:oid indnatts:int2 indnkeyatts:int2 indisunique:bool
  indnullsnotdistinct:bool indisprimary:bool indisexclusion:bool indimmediate:bool indisclustered:bool
  indisvalid:bool indcheckxmin:bool indisready:bool indislive:bool indisreplident:bool indkey indcollation
  indclass indoption indexprs indpred
pg_catalog.pg_indexes 12043 schemaname tablename indexname tablespace indexdef
pg_catalog.pg_inherits 2611 inhrelid:oid inhparent:oid inhseqno:int4 inhdetachpending:bool
pg_catalog.pg_language 2612 oid:oid lanname lanowner:oid lanispl:bool lanpltrusted:bool lanplcallfoid:oid
  laninline:oid lanvalidator:oid lanacl
pg_catalog.pg_locks 12073 locktype database:oid relation:oid page:int4 tuple:int2 virtualxid
  transactionid:int8 classid:oid objid:oid objsubid:int2 virtualtransaction pid:int4 mode granted:bool
  fastpath:bool waitstart
pg_catalog.pg_matviews 12038 schemaname matviewname matviewowner tablespace hasindexes:bool ispopulated:bool
  definition
pg_catalog.pg_namespace 2615 oid:oid nspname nspowner:oid nspacl
pg_catalog.pg_opclass 2616 oid:oid opcmethod:oid opcname opcnamespace:oid opcowner:oid opcfamily:oid
  opcintype:oid opcdefault:bool opckeytype:oid
pg_catalog.pg_operator 2617 oid:oid oprname oprnamespace:oid oprowner:oid oprkind oprcanmerge:bool
  oprcanhash:bool oprleft:oid oprright:oid oprresult:oid oprcom:oid oprnegate:oid oprcode oprrest oprjoin
pg_catalog.pg_opfamily 2753 oid:oid opfmethod:oid opfname opfnamespace:oid opfowner:oid
pg_catalog.pg_partitioned_table 3350 partrelid:oid partstrat partnatts:int2 partdefid:oid partattrs
  partclass partcollation partexprs
pg_catalog.pg_policies 12018 schemaname tablename policyname permissive roles cmd qual with_check
pg_catalog.pg_policy 3256 oid:oid polname polrelid:oid polcmd polpermissive:bool polroles polqual
  polwithcheck
pg_catalog.pg_proc 1255 oid:oid proname pronamespace:oid proowner:oid prolang:oid procost:float8
  prorows:float8 provariadic:oid prosupport prokind prosecdef:bool proleakproof:bool proisstrict:bool
  proretset:bool provolatile proparallel pronargs:int2 pronargdefaults:int2 prorettype:oid proargtypes
  proallargtypes proargmodes proargnames proargdefaults protrftypes prosrc probin prosqlbody proconfig proacl
pg_catalog.pg_publication 6104 oid:oid pubname pubowner:oid puballtables:bool pubinsert:bool pubupdate:bool
  pubdelete:bool pubtruncate:bool pubviaroot:bool
pg_catalog.pg_publication_namespace 6237 oid:oid pnpubid:oid pnnspid:oid
pg_catalog.pg_publication_rel 6106 oid:oid prpubid:oid prrelid:oid prqual prattrs
pg_catalog.pg_range 3541 rngtypid:oid rngsubtype:oid rngmultitypid:oid rngcollation:oid rngsubopc:oid
  rngcanonical rngsubdiff
pg_catalog.pg_rewrite 2618 oid:oid rulename ev_class:oid ev_type ev_enabled is_instead:bool ev_qual
  ev_action
pg_catalog.pg_roles 12000 rolname rolsuper:bool rolinherit:bool rolcreaterole:bool rolcreatedb:bool
  rolcanlogin:bool rolreplication:bool rolconnlimit:int4 rolpassword rolvaliduntil rolbypassrls:bool rolconfig
  oid:oid
pg_catalog.pg_seclabel 3596 objoid:oid classoid:oid objsubid:int4 provider label
pg_catalog.pg_sequence 2224 seqrelid:oid seqtypid:oid seqstart:int8 seqincrement:int8 seqmax:int8
  seqmin:int8 seqcache:int8 seqcycle:bool
pg_catalog.pg_sequences 12048 schemaname sequencename sequenceowner data_type start_value:int8
  min_value:int8 max_value:int8 increment_by:int8 cycle:bool cache_size:int8 last_value:int8
pg_catalog.pg_settings 12104 name setting unit category short_desc extra_desc context vartype source min_val
  max_val enumvals boot_val reset_val sourcefile sourceline:int4 pending_restart:bool
pg_catalog.pg_shdescription 2396 objoid:oid classoid:oid description
pg_catalog.pg_stat_activity 12222 datid:oid datname pid:int4 leader_pid:int4 usesysid:oid usename
  application_name client_addr client_hostname client_port:int4 backend_start xact_start query_start
  state_change wait_event_type wait_event state backend_xid:int8 backend_xmin:int8 query_id:int8 query
  backend_type
pg_catalog.pg_statistic_ext 3381 oid:oid stxrelid:oid stxname stxnamespace:oid stxowner:oid
  stxstattarget:int4 stxkeys stxkind stxexprs
pg_catalog.pg_statistic_ext_data 3429 stxoid:oid stxdinherit:bool stxdndistinct stxddependencies stxdmcv
  stxdexpr
pg_catalog.pg_subscription 6100 oid:oid subdbid:oid subskiplsn subname subowner:oid subenabled:bool
  subbinary:bool substream:bool subtwophasestate subdisableonerr:bool subconninfo subslotname subsynccommit
  subpublications
pg_catalog.pg_tables 12033 schemaname tablename tableowner tablespace hasindexes:bool hasrules:bool
  hastriggers:bool rowsecurity:bool
pg_catalog.pg_tablespace 1213 oid:oid spcname spcowner:oid spcacl spcoptions
pg_catalog.pg_trigger 2620 oid:oid tgrelid:oid tgparentid:oid tgname tgfoid:oid tgtype:int2 tgenabled
  tgisinternal:bool tgconstrrelid:oid tgconstrindid:oid tgconstraint:oid tgdeferrable:bool tginitdeferred:bool
  tgnargs:int2 tgattr tgargs tgqual tgoldtable tgnewtable
pg_catalog.pg_type 1247 oid:oid typname typnamespace:oid typowner:oid typlen:int2 typbyval:bool typtype
  typcategory typispreferred:bool typisdefined:bool typdelim typrelid:oid typsubscript typelem:oid
  typarray:oid typinput typoutput typreceive typsend typmodin typmodout typanalyze typalign typstorage
  typnotnull:bool typbasetype:oid typtypmod:int4 typndims:int4 typcollation:oid typdefaultbin typdefault
  typacl
pg_catalog.pg_user 12014 usename usesysid:oid usecreatedb:bool usesuper:bool userepl:bool usebypassrls:bool
  passwd valuntil useconfig
pg_catalog.pg_user_mapping 1418 oid:oid umuser:oid umserver:oid umoptions
pg_catalog.pg_views 12028 schemaname viewname viewowner definition
`;

/** By `schema.name`. */
export const CATALOG_RELATIONS: ReadonlyMap<string, CatalogRelation> = new Map(
  RELATIONS.trim()
    .split(/\n(?! )/)
    .map((line) => {
      const [path = '', oid = '', ...columns] = line.split(/\s+/);
      const [schema, name] = path.split('.') as [CatalogRelation['schema'], string];
      return [path, { schema, name, oid: Number(oid), columns: columns.map(columnOf) }];
    }),
);

function columnOf(text: string): CatalogRelation['columns'][number] {
  const [name = '', type = 'text'] = text.split(':');
  return { name, type: type as CatalogType };
}

/** The relation an unqualified or qualified name means; pg_catalog is always looked into. */
export function catalogRelation(schema: string | null, name: string): CatalogRelation | null {
  return CATALOG_RELATIONS.get(`${schema ?? 'pg_catalog'}.${name}`) ?? null;
}
