// The directives that nginx knows, where each may stand and with how many words (src/http/ngx_http_core_module.c and the other
// modules that are built in), and its words for one that is wrong. What kubesim's nginx does not do is told of, not refused.

import { ConfigurationFault, type Directive, placeOf } from './configuration-text.ts'

type Context = 'main' | 'events' | 'http' | 'server' | 'location' | 'if' | 'upstream'

interface Known {
  readonly contexts: readonly string[]
  readonly least: number
  readonly most: number
  readonly isFlag?: boolean
  /** The context of what is in its braces; `free`: words of its own. */
  readonly opens?: Context | 'free'
  /** It would change answers, and is not done. */
  readonly isMissing?: boolean
}

const everywhere = ['http', 'server', 'location']
const inSites = ['server', 'location', 'if']

function* declared(
  contexts: readonly string[],
  least: number,
  most: number,
  names: string,
  more: Partial<Known> = {},
): Generator<[string, Known]> {
  for (const name of names.split(/\s+/)) yield [name, { contexts, least, most, ...more }]
}

const any = Number.POSITIVE_INFINITY

function allDirectives(): ReadonlyMap<string, Known> {
  return new Map([
    ...declared(['main'], 1, 1, 'worker_processes pid worker_rlimit_nofile worker_priority lock_file load_module'),
    ...declared(['main'], 1, 2, 'user'),
    ...declared(['main'], 1, any, 'env worker_cpu_affinity worker_shutdown_timeout'),
    ...declared(['main'], 1, 1, 'daemon master_process pcre_jit', { isFlag: true }),
    ...declared(['main'], 0, 0, 'events', { opens: 'events' }),
    ...declared(['main'], 0, 0, 'http', { opens: 'http' }),
    ...declared(['main'], 0, 0, 'stream mail', { opens: 'free', isMissing: true }),
    ...declared(['events'], 1, 1, 'worker_connections use worker_aio_requests'),
    ...declared(['events'], 1, 1, 'multi_accept accept_mutex', { isFlag: true }),
    ...declared(['main', ...everywhere], 1, 2, 'error_log'),
    ...declared(['http'], 0, 0, 'server', { opens: 'server' }),
    ...declared(['http'], 1, 1, 'upstream', { opens: 'upstream' }),
    ...declared(['upstream'], 1, any, 'server'),
    ...declared(['upstream'], 0, any, 'keepalive keepalive_timeout keepalive_requests zone least_conn'),
    ...declared(['upstream'], 0, any, 'ip_hash hash random', { isMissing: true }),
    ...declared(['http'], 2, any, 'log_format'),
    ...declared(['http'], 2, 2, 'map', { opens: 'free', isMissing: true }),
    ...declared(['http'], 1, 2, 'geo split_clients', { opens: 'free', isMissing: true }),
    ...declared(everywhere, 0, 0, 'types', { opens: 'free' }),
    ...declared(['server'], 1, any, 'listen server_name'),
    ...declared(['server', 'location'], 1, 2, 'location', { opens: 'location' }),
    ...declared(inSites, 1, any, 'if', { opens: 'if', isMissing: true }),
    ...declared(['location'], 1, any, 'limit_except', { opens: 'location', isMissing: true }),
    ...declared([...everywhere, 'if'], 1, 1, 'root'),
    ...declared(['location'], 1, 1, 'alias'),
    ...declared(everywhere, 1, any, 'index'),
    ...declared(['server', 'location'], 2, any, 'try_files'),
    ...declared(inSites, 1, 2, 'return'),
    ...declared(inSites, 2, 3, 'rewrite'),
    ...declared(inSites, 2, 2, 'set'),
    ...declared([...everywhere, 'if'], 2, 3, 'add_header'),
    ...declared([...everywhere, 'if'], 1, any, 'access_log error_page'),
    ...declared(everywhere, 1, 1, 'default_type'),
    ...declared(everywhere, 1, 1, 'autoindex', { isFlag: true }),
    ...declared(['location', 'if'], 1, 1, 'proxy_pass'),
    ...declared(everywhere, 2, 2, 'proxy_set_header'),
    ...declared(everywhere, 1, any, 'proxy_connect_timeout proxy_read_timeout proxy_send_timeout'),
    ...declared(['server', 'location'], 0, 1, 'stub_status'),
    ...declared(['location'], 0, 0, 'internal'),
    ...declared(everywhere, 1, 1, 'ssl_certificate ssl_certificate_key'),
    // What only makes it faster or slower, safer or more careful: nothing of it can be seen here.
    ...declared(
      everywhere,
      1,
      1,
      'sendfile tcp_nopush tcp_nodelay aio etag gzip gzip_vary server_tokens log_not_found log_subrequest merge_slashes ' +
        'msie_padding port_in_redirect server_name_in_redirect absolute_redirect proxy_buffering proxy_request_buffering ' +
        'proxy_ssl_verify proxy_ssl_server_name proxy_intercept_errors chunked_transfer_encoding reset_timedout_connection ' +
        'ssl_prefer_server_ciphers ssl_session_tickets underscores_in_headers ignore_invalid_headers recursive_error_pages ' +
        'gzip_static proxy_ignore_client_abort',
    ),
    ...declared(
      everywhere,
      0,
      any,
      'keepalive_timeout keepalive_requests client_max_body_size client_body_buffer_size client_header_buffer_size ' +
        'client_body_timeout client_header_timeout client_body_temp_path client_body_in_file_only large_client_header_buffers ' +
        'send_timeout output_buffers postpone_output directio read_ahead types_hash_max_size types_hash_bucket_size ' +
        'server_names_hash_bucket_size server_names_hash_max_size variables_hash_max_size variables_hash_bucket_size ' +
        'map_hash_bucket_size open_file_cache open_file_cache_valid open_file_cache_min_uses open_file_cache_errors ' +
        'gzip_comp_level gzip_min_length gzip_types gzip_proxied gzip_disable gzip_http_version gzip_buffers charset ' +
        'resolver resolver_timeout proxy_http_version proxy_redirect proxy_buffers proxy_buffer_size proxy_busy_buffers_size ' +
        'proxy_max_temp_file_size proxy_temp_path proxy_hide_header proxy_pass_header proxy_next_upstream proxy_cookie_path ' +
        'proxy_next_upstream_tries proxy_next_upstream_timeout proxy_pass_request_headers proxy_pass_request_body ' +
        'proxy_ssl_name proxy_ssl_protocols proxy_ssl_trusted_certificate proxy_ssl_session_reuse proxy_cookie_domain ' +
        'proxy_headers_hash_max_size proxy_headers_hash_bucket_size proxy_bind proxy_method proxy_socket_keepalive ' +
        'ssl_protocols ssl_ciphers ssl_session_cache ssl_session_timeout ssl_dhparam ssl_ecdh_curve ssl_stapling ' +
        'ssl_stapling_verify ssl_trusted_certificate ssl_buffer_size expires http2 http2_max_concurrent_streams disable_symlinks ' +
        'fastcgi_temp_path uwsgi_temp_path scgi_temp_path fastcgi_param fastcgi_index fastcgi_split_path_info fastcgi_buffers ' +
        'fastcgi_buffer_size fastcgi_read_timeout uwsgi_param uwsgi_read_timeout autoindex_exact_size autoindex_format ' +
        'autoindex_localtime real_ip_header set_real_ip_from real_ip_recursive lingering_close satisfy max_ranges if_modified_since',
    ),
    ...declared([...everywhere, 'if'], 1, any, 'fastcgi_pass uwsgi_pass scgi_pass grpc_pass memcached_pass', {
      isMissing: true,
    }),
    ...declared(
      [...everywhere, 'if'],
      0,
      any,
      'allow deny auth_basic auth_basic_user_file auth_request auth_request_set limit_req limit_req_zone limit_conn ' +
        'limit_conn_zone limit_rate limit_rate_after limit_req_status proxy_cache proxy_cache_path proxy_cache_valid ' +
        'proxy_cache_key proxy_cache_bypass proxy_no_cache proxy_cache_use_stale proxy_cache_lock proxy_cache_methods ' +
        'sub_filter sub_filter_once sub_filter_types ssi mirror slice secure_link valid_referers random_index empty_gif dav_methods ' +
        'proxy_set_body addition_types add_before_body add_after_body grpc_set_header rewrite_log break ' +
        'ssl_verify_client ssl_client_certificate ssl_verify_depth add_trailer charset_types userid perl image_filter',
      { isMissing: true },
    ),
  ])
}

/** Throws nginx' words for the first that is wrong; gives what is known and not done, as warnings. */
export function checkDirectives(directives: readonly Directive[]): readonly string[] {
  const known = allDirectives()
  const warnings: string[] = []
  const check = (all: readonly Directive[], context: Context): void => {
    for (const directive of all) {
      const found = known.get(directive.name)
      const place = placeOf(directive)
      const { name, args, block } = directive
      if (found === undefined) throw new ConfigurationFault(`unknown directive "${name}" ${place}`)
      // `server` is one thing in http and another in upstream.
      const rule = name === 'server' && context === 'http' ? serverBlock : found
      if (!rule.contexts.includes(context)) {
        throw new ConfigurationFault(`"${name}" directive is not allowed here ${place}`)
      }
      if (rule.opens !== undefined && block === undefined) {
        throw new ConfigurationFault(`directive "${name}" has no opening "{" ${place}`)
      }
      if (rule.opens === undefined && block !== undefined) {
        throw new ConfigurationFault(`directive "${name}" is not terminated by ";" ${place}`)
      }
      if (args.length < rule.least || args.length > rule.most) {
        throw new ConfigurationFault(`invalid number of arguments in "${name}" directive ${place}`)
      }
      if (rule.isFlag && !/^(on|off)$/i.test(args[0]!)) {
        throw new ConfigurationFault(
          `invalid value "${args[0]}" in "${name}" directive, it must be "on" or "off" ${place}`,
        )
      }
      if (rule.isMissing) warnings.push(`kubesim's nginx does nothing of "${name}" ${place}`)
      else if (block !== undefined && rule.opens !== 'free') check(block, rule.opens!)
    }
  }
  check(directives, 'main')
  if (!directives.some(({ name }) => name === 'events')) {
    throw new ConfigurationFault('no "events" section in configuration')
  }
  return warnings
}

const serverBlock: Known = { contexts: ['http'], least: 0, most: 0, opens: 'server' }
