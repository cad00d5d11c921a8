function hostile(request, session, config) {
  eval('{'.repeat(200000) + '}'.repeat(200000)); eval('if(1)'.repeat(100000) + ';'); eval('do '.repeat(50000) + ';' + 'while(0);'.repeat(50000));
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
